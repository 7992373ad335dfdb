/* The header by itself, twice, and what a careful caller writes with it: compiled as every C and every C++ there is. */
#include <smpfota.h>
#include <smpfota.h>

#if SMPFOTA_ABI_VERSION != 1
#error "the preprocessor knows the version of the ABI"
#endif

/* Constants of every group where the ABI has their numbers, without a cast and without a warning. */
static int32_t start(smpfota_session session, smpfota_image image, uint64_t now_ms) {
    smpfota_update_options options;
    smpfota_progress progress;
    uint32_t retry = SMPFOTA_RETRY_NONE;
    int32_t status = smpfota_update_options_init(&options, (uint32_t)sizeof options);
    if (status != SMPFOTA_OK) return status;
    options.mode = SMPFOTA_MODE_TEST_ONLY;
    options.flags = SMPFOTA_UPDATE_UPGRADE_ONLY | SMPFOTA_UPDATE_CHECK;
    options.boot_mode = SMPFOTA_BOOT_MODE_SWAP;
    status = smpfota_session_start_update(session, image, &options, NULL);
    switch (status) {
        case SMPFOTA_OK:
        case SMPFOTA_OPERATION_RUNNING: break;
        default: return status;
    }
    status = smpfota_session_link(session, now_ms, SMPFOTA_LINK_EVENT_UP, 0);
    if (status < 0) return status;
    progress.struct_size = (uint32_t)sizeof progress;
    status = smpfota_session_progress_get(session, now_ms, &progress);
    if (status == SMPFOTA_OK && progress.phase == SMPFOTA_PHASE_DISCOVER && progress.eta_ms == SMPFOTA_UNKNOWN)
        status = smpfota_status_retry(SMPFOTA_TIMEOUT, &retry);
    return retry == SMPFOTA_RETRY_LATER ? SMPFOTA_DONE : status;
}

int main(void) {
    smpfota_session session = 0;
    smpfota_image image = 0;
    /* A name of 0.1.0 still stands for the same number. */
    if (SMPFOTA_LINK_UP != SMPFOTA_LINK_EVENT_UP || SMPFOTA_UNKNOWN != UINT32_MAX) return 1;
    return start(session, image, 0) == SMPFOTA_INVALID_HANDLE ? 0 : 2;
}
