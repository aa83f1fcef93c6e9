// Linked lists, integer matrices, a CRC and a text-driven state machine: the usual embedded mixture.
#include "kernel.h"

const char kernel_name[] = "coremix";
const uint64_t kernel_default_repeat = 12000;

enum { kNodes = 200, kSide = 16, kText = 400 };

typedef struct Node {
    struct Node* next;
    int16_t key, value;
} Node;

static Node nodes[kNodes];
static int32_t left[kSide][kSide], right[kSide][kSide], product[kSide][kSide];
static char text[kText + 1];

static NOINLINE uint16_t crc16(const uint8_t* bytes, size_t count) {
    uint16_t crc = 0xffff;
    for (size_t i = 0; i < count; ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit)
            crc = crc & 1 ? (uint16_t)(crc >> 1 ^ 0xa001) : (uint16_t)(crc >> 1);
    }
    return crc;
}

static NOINLINE Node* merge(Node* a, Node* b) {
    Node head, *last = &head;
    while (a != NULL && b != NULL) {
        Node** smaller = a->key <= b->key ? &a : &b;
        last = last->next = *smaller;
        *smaller = (*smaller)->next;
    }
    last->next = a != NULL ? a : b;
    return head.next;
}

static Node* sort_list(Node* list) {
    if (list == NULL || list->next == NULL)
        return list;
    Node *slow = list, *fast = list->next;
    while (fast != NULL && fast->next != NULL) {
        slow = slow->next;
        fast = fast->next->next;
    }
    Node* second = slow->next;
    slow->next = NULL;
    Node* sorted_first = sort_list(list);
    return merge(sorted_first, sort_list(second));
}

static NOINLINE Node* reverse(Node* list) {
    Node* reversed = NULL;
    while (list != NULL) {
        Node* next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static NOINLINE const Node* find(const Node* list, int16_t key) {
    while (list != NULL && list->key != key)
        list = list->next;
    return list;
}

static NOINLINE uint64_t work_on_list(uint64_t* random) {
    for (int i = 0; i < kNodes; ++i) {
        nodes[i].next = i + 1 < kNodes ? &nodes[i + 1] : NULL;
        nodes[i].key = (int16_t)(next_random(random) & 0x3ff);
        nodes[i].value = (int16_t)i;
    }
    uint64_t sum = 0;
    for (int16_t key = 0; key < 40; ++key) {
        const Node* node = find(nodes, (int16_t)(key * 25));
        sum += node != NULL ? (uint64_t)node->value : 1;
    }
    Node* list = reverse(sort_list(nodes));
    for (const Node* node = list; node != NULL; node = node->next)
        sum = sum * 31 + (uint16_t)node->key;
    return sum;
}

static NOINLINE uint64_t work_on_matrices(uint64_t* random) {
    for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j) {
            left[i][j] = (int32_t)(next_random(random) & 0xff) - 128;
            right[i][j] = (i ^ j) - 7;
        }
    for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j) {
            int32_t sum = 0;
            for (int k = 0; k < kSide; ++k)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum >> 1;
        }
    return crc16((const uint8_t*)product, sizeof product / 4);
}

enum State { kStart, kInteger, kFraction, kExponent, kWord, kInvalid, kStates };

static NOINLINE uint64_t work_on_text(uint64_t* random) {
    static const char alphabet[] = "0123456789.e+-abc ,,";
    for (int i = 0; i < kText; ++i)
        text[i] = alphabet[next_random(random) % (sizeof alphabet - 1)];
    uint32_t visits[kStates] = {0};
    enum State state = kStart;
    for (const char* c = text; *c != '\0'; ++c) {
        const int digit = *c >= '0' && *c <= '9';
        switch (state) {
        case kStart:
            state = digit || *c == '-' || *c == '+' ? kInteger
                    : *c == '.'                     ? kFraction
                    : *c >= 'a' && *c <= 'z'        ? kWord
                    : *c == ' ' || *c == ','        ? kStart
                                                    : kInvalid;
            break;
        case kInteger:
            state = digit ? kInteger : *c == '.' ? kFraction : *c == 'e' ? kExponent : kInvalid;
            break;
        case kFraction: state = digit ? kFraction : *c == 'e' ? kExponent : kInvalid; break;
        case kExponent: state = digit || *c == '-' || *c == '+' ? kExponent : kInvalid; break;
        case kWord: state = *c >= 'a' && *c <= 'z' ? kWord : kInvalid; break;
        default: break;
        }
        if (*c == ',' || *c == ' ')
            state = kStart;
        ++visits[state];
    }
    return crc16((const uint8_t*)visits, sizeof visits);
}

uint64_t kernel_run(uint64_t repeat) {
    uint64_t checksum = 1, random = 0x9e3779b97f4a7c15;
    for (uint64_t i = 0; i < repeat; ++i) {
        checksum = mix(checksum, work_on_list(&random));
        checksum = mix(checksum, work_on_matrices(&random));
        checksum = mix(checksum, work_on_text(&random));
    }
    return checksum;
}
