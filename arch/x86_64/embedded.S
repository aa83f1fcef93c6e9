// See kernel/embedded.h.
    .section .embedded, "a", @progbits
    .balign 16
    .globl  embedded_translator_begin, embedded_translator_end
embedded_translator_begin:
    .incbin TRANSLATOR
embedded_translator_end:
    .balign 16
    .globl  embedded_guest_begin, embedded_guest_end
embedded_guest_begin:
    .incbin GUEST
embedded_guest_end:

    .section .note.GNU-stack, "", @progbits
