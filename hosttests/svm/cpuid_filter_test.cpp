#include "arch/x86_64/svm/cpuid_filter.h"

#include <gtest/gtest.h>

namespace ashlar::arch::svm {
namespace {

// A machine that has everything.
constexpr Cpuid kAll{0xffff'ffff, 0xffff'ffff, 0xffff'ffff, 0xffff'ffff};

bool has(std::uint32_t word, unsigned bit) {
    return (word >> bit & 1) != 0;
}
void expect_nothing(const Cpuid& answer) {
    EXPECT_EQ(answer.eax | answer.ebx | answer.ecx | answer.edx, 0u);
}

TEST(CpuidFilter, SaysThatAHypervisorIsThereAndWhich) {
    EXPECT_TRUE(has(filter_cpuid(1, 0, {}, false).ecx, 31));
    const Cpuid signature = filter_cpuid(0x4000'0000, 0, kAll, false);
    EXPECT_EQ(signature.eax, 0x4000'0000u);
    const std::uint32_t words[] = {signature.ebx, signature.ecx, signature.edx};
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(words), sizeof words), "AshlarAshlar");
    expect_nothing(filter_cpuid(0x4000'0001, 0, kAll, false));
}

// Each of these brings instructions or registers that a VM does not get.
TEST(CpuidFilter, HidesWhatVmsDoNotGet) {
    const Cpuid basic = filter_cpuid(1, 0, kAll, false);
    for (const unsigned bit : {3u /* MONITOR */, 5u /* VMX */, 15u /* PDCM */, 17u /* PCID */,
                               21u /* x2APIC */, 24u /* TSC deadline */})
        EXPECT_FALSE(has(basic.ecx, bit)) << bit;
    for (const unsigned bit : {7u /* MCE */, 9u /* APIC */, 12u /* MTRR */, 14u /* MCA */, 22u /* ACPI */})
        EXPECT_FALSE(has(basic.edx, bit)) << bit;
    const Cpuid structured = filter_cpuid(7, 0, kAll, false);
    EXPECT_EQ(structured.eax, 0u);
    for (const unsigned bit :
         {2u /* SGX */, 4u /* HLE */, 11u /* RTM */, 14u /* MPX */, 16u /* AVX-512F */, 25u /* PT */})
        EXPECT_FALSE(has(structured.ebx, bit)) << bit;
    for (const unsigned bit : {3u /* PKU */, 5u /* WAITPKG */, 7u /* CET */, 16u /* LA57 */, 22u /* RDPID */})
        EXPECT_FALSE(has(structured.ecx, bit)) << bit;
    for (const unsigned bit : {24u /* AMX */, 26u /* SPEC_CTRL */, 29u /* ARCH_CAPABILITIES */})
        EXPECT_FALSE(has(structured.edx, bit)) << bit;
    const Cpuid extended = filter_cpuid(0x8000'0001, 0, kAll, false);
    for (const unsigned bit :
         {2u /* SVM */, 10u /* IBS */, 12u /* SKINIT */, 15u /* LWP */, 29u /* MWAITX */})
        EXPECT_FALSE(has(extended.ecx, bit)) << bit;
    EXPECT_FALSE(has(extended.edx, 27)) << "RDTSCP";
}

TEST(CpuidFilter, HidesLeavesThatItDoesNotKnow) {
    for (const std::uint32_t leaf : {2u, 4u, 5u, 6u, 0xau, 0xbu, 0x12u, 0x14u, 0x1du, 0x8000'000au,
                                     0x8000'001eu, 0x8000'001fu, 0x8000'0022u, 0xc000'0000u, 0xffff'ffffu})
        expect_nothing(filter_cpuid(leaf, 0, kAll, true));
    expect_nothing(filter_cpuid(7, 1, kAll, true));
    EXPECT_EQ(filter_cpuid(0, 0, {0x20, 1, 2, 3}, false).eax, 0xdu);
    EXPECT_EQ(filter_cpuid(0, 0, {5, 1, 2, 3}, false).eax, 5u);
    EXPECT_EQ(filter_cpuid(0x8000'0000, 0, {0x8000'0028, 0, 0, 0}, false).eax, 0x8000'0008u);
}

TEST(CpuidFilter, AddsNothingThatTheMachineLacks) {
    EXPECT_EQ(filter_cpuid(1, 0, {}, false).ecx, std::uint32_t{1} << 31);
    EXPECT_EQ(filter_cpuid(1, 0, {}, false).edx, 0u);
    for (const std::uint32_t leaf : {7u, 0x8000'0001u, 0x8000'0007u, 0x8000'0008u})
        expect_nothing(filter_cpuid(leaf, 0, {}, true));
}

TEST(CpuidFilter, KeepsWhatTheTranslatorIsFastWith) {
    const Cpuid basic = filter_cpuid(1, 0, kAll, false), structured = filter_cpuid(7, 0, kAll, false);
    for (const unsigned bit :
         {12u /* FMA */, 20u /* SSE4.2 */, 23u /* POPCNT */, 26u /* XSAVE */, 28u /* AVX */})
        EXPECT_TRUE(has(basic.ecx, bit)) << bit;
    for (const unsigned bit : {0u /* FSGSBASE */, 3u, 8u /* BMI */, 5u /* AVX2 */, 7u, 20u /* SMEP, SMAP */})
        EXPECT_TRUE(has(structured.ebx, bit)) << bit;
    const Cpuid extended = filter_cpuid(0x8000'0001, 0, kAll, false);
    EXPECT_TRUE(has(extended.ecx, 5)) << "LZCNT";
    EXPECT_TRUE(has(extended.edx, 20)) << "NX";
    EXPECT_TRUE(has(extended.edx, 26)) << "1 GiB pages";
    EXPECT_TRUE(has(extended.edx, 29)) << "long mode";
}

TEST(CpuidFilter, ShowsTheVmsOwnOsxsave) {
    EXPECT_FALSE(has(filter_cpuid(1, 0, kAll, false).ecx, 27));
    EXPECT_TRUE(has(filter_cpuid(1, 0, {}, true).ecx, 27));
}

TEST(CpuidFilter, OffersStateThatXsetbvAccepts) {
    // Given a machine with AVX-512, PKU and AMX; then x87, SSE and AVX and their size.
    const Cpuid state = filter_cpuid(0xd, 0, {0x602e7, 2696, 11008, 0}, true);
    EXPECT_EQ(state.eax, 7u);
    EXPECT_EQ(state.ecx, 832u);
    EXPECT_TRUE(is_valid_xcr0(state.eax, 0x602e7));
    EXPECT_EQ(filter_cpuid(0xd, 0, {3, 576, 576, 0}, true).ecx, 576u);
    EXPECT_EQ(filter_cpuid(0xd, 1, kAll, true).eax, 7u); // no XSAVES
    EXPECT_EQ(filter_cpuid(0xd, 1, kAll, true).ecx, 0u);
    EXPECT_EQ(filter_cpuid(0xd, 2, {256, 576, 0, 0}, true).ebx, 576u);
    for (const std::uint32_t subleaf : {3u, 5u, 9u, 18u, 62u})
        expect_nothing(filter_cpuid(0xd, subleaf, kAll, true));
}

TEST(Xcr0, IsCheckedAsTheCpuDoes) {
    constexpr std::uint64_t kMachine = 0x2e7;
    EXPECT_TRUE(is_valid_xcr0(1, kMachine));
    EXPECT_TRUE(is_valid_xcr0(3, kMachine));
    EXPECT_FALSE(is_valid_xcr0(0, kMachine));
    EXPECT_FALSE(is_valid_xcr0(2, kMachine));    // without x87
    EXPECT_FALSE(is_valid_xcr0(5, kMachine));    // AVX without SSE
    EXPECT_FALSE(is_valid_xcr0(0xe7, kMachine)); // AVX-512 is not offered
    EXPECT_FALSE(is_valid_xcr0(7, 3));           // the machine has no AVX
    EXPECT_FALSE(is_valid_xcr0(std::uint64_t{1} << 63 | 7, kMachine));
}

} // namespace
} // namespace ashlar::arch::svm
