// Records, enumerations, strings and small calls, in the proportions of systems programs of old.
#include "kernel.h"

const char kernel_name[] = "dhry";
const uint64_t kernel_default_repeat = 4000000;

typedef enum { kFirst, kSecond, kThird, kFourth, kFifth } Choice;

typedef struct Record {
    struct Record* partner;
    Choice kind, choice;
    int number;
    char text[32];
} Record;

static Record records[2];
static Record* current;
static int global_number, numbers[50], table[50][50];
static char global_letter, other_letter;
static int global_flag;

static NOINLINE int string_order(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return (unsigned char)*a - (unsigned char)*b;
}
static NOINLINE void string_copy(char* to, const char* from) {
    while ((*to++ = *from++) != '\0') {
    }
}

static NOINLINE Choice letter_choice(char a, char b) {
    const char copy = a;
    if (copy != b)
        return kFirst;
    global_letter = copy;
    return kSecond;
}
static NOINLINE int strings_differ(const char* a, const char* b) {
    int index = 2;
    char letter = 'A';
    while (index <= 2)
        if (letter_choice(a[index], b[index + 1]) == kFirst) {
            letter = 'B';
            ++index;
        }
    if (letter >= 'W' && letter < 'Z')
        index = 7;
    if (string_order(a, b) > 0) {
        global_number = index + 7;
        return 1;
    }
    return letter == 'R';
}
static NOINLINE void next_choice(Choice choice, Choice* result) {
    *result = choice;
    switch (choice) {
    case kFirst: *result = kFirst; break;
    case kSecond: *result = global_number > 100 ? kFirst : kFourth; break;
    case kThird: *result = kSecond; break;
    case kFourth: break;
    case kFifth: *result = kThird; break;
    }
}
static NOINLINE void add_numbers(int a, int b, int* result) {
    *result = a + 2 + b;
}
static NOINLINE void update_record(Record* record) {
    Record* partner = record->partner;
    *partner = records[0];
    record->number = 5;
    partner->number = record->number;
    partner->partner = record->partner;
    if (partner->kind == kFirst) {
        partner->number = 6;
        next_choice(record->choice, &partner->choice);
        partner->partner = current->partner;
        add_numbers(partner->number, 10, &partner->number);
    } else {
        *record = *record->partner;
    }
}
static NOINLINE void fill_tables(int* row, int (*square)[50], int index, int value) {
    const int at = index + 5;
    row[at] = value;
    row[at + 1] = row[at];
    row[at + 30] = at;
    for (int i = at; i <= at + 1; ++i)
        square[at][i] = at;
    square[at][at - 1] += 1;
    square[at + 20][at] = row[at];
    global_number = 5;
}
static NOINLINE void pick_letters(void) {
    const int flag = global_letter == 'A';
    global_flag |= flag;
    other_letter = 'B';
}

uint64_t kernel_run(uint64_t repeat) {
    current = &records[0];
    records[0] = (Record){&records[1], kFirst, kThird, 40, "RECORD PROGRAM, SOME STRING"};
    char first[32] = "RECORD PROGRAM, 1ST STRING", second[32];
    uint64_t checksum = 1;
    for (uint64_t run = 1; run <= repeat; ++run) {
        int a = 2, b = 3, c = 0;
        Choice choice = kSecond;
        global_letter = 'A';
        pick_letters();
        string_copy(second, "RECORD PROGRAM, 2ND STRING");
        second[16] = (char)('1' + (run & 1));
        global_flag = !strings_differ(first, second);
        while (a < b) {
            c = 5 * a - b;
            add_numbers(a, b, &c);
            ++a;
        }
        fill_tables(numbers, table, a, c);
        update_record(current);
        for (char letter = 'A'; letter <= other_letter; ++letter)
            if (choice == letter_choice(letter, 'C')) {
                next_choice(kFirst, &choice);
                b = (int)run;
            }
        b = b * a;
        a = b / (c | 1);
        b = 7 * (b - c) - a;
        checksum = mix(checksum, (uint64_t)(uint32_t)(a + b * 3 + global_number + global_flag));
    }
    return mix(checksum, (uint64_t)(numbers[8] + table[8][7] + records[1].number));
}
