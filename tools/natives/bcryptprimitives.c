/* For tests under wine 8 only, which lacks this DLL: the one function of it that Rust's standard library calls. */
#include <stddef.h>
#include <stdint.h>

/* advapi32 exports RtlGenRandom under this name. */
__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, uint32_t length);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, size_t length) {
    const uint32_t most = 1u << 20;
    for (size_t done = 0; done < length;) {
        uint32_t part = length - done < most ? (uint32_t)(length - done) : most;
        if (!SystemFunction036(buffer + done, part)) return 0;
        done += part;
    }
    return 1;
}
