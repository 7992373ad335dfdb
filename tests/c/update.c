/* A whole update of a virtual device through the C ABI, in virtual time: what a C program would do with a real one. */
#include "world.h"

static void expect_running(uintptr_t device, const char *version) {
    char words[64];
    snprintf(words, sizeof words, "\"running\":\"%s\"", version);
    char *text = text_of(smpfota_device_describe, device);
    expect_words(text, words);
    free(text);
}

static world open_world(uint32_t profile, uint32_t link, uint32_t fault, uint64_t seed, uint32_t device_flags) {
    world w;
    memset(&w, 0, sizeof w);
    w.now = 1000000000 + seed;
    w.healthy = 1;
    w.device = open_device(profile, link, fault, seed, device_flags);
    smpfota_session_options options;
    OK(smpfota_session_options_init(&options, sizeof options));
    options.nonce = (uint32_t)seed;
    if (device_flags & SMPFOTA_DEVICE_FLAG_SERIAL) options.framing = SMPFOTA_FRAMING_SERIAL;
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_session_open(&options, &w.session, &error), error);
    return w;
}

static void close_world(world *w) {
    OK(smpfota_session_close(w->session));
    OK(smpfota_device_close(w->device));
}

static void start(world *w, uintptr_t image, uint32_t mode, uint32_t flags) {
    smpfota_update_options options;
    OK(smpfota_update_options_init(&options, sizeof options));
    options.mode = mode;
    options.flags = flags;
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_session_start_update(w->session, image, &options, &error), error);
}

static void expect_result(world *w, const char *words) {
    char *text = text_of(smpfota_session_result, w->session);
    expect_words(text, words);
    free(text);
}

static uint32_t phase(world *w) {
    smpfota_progress progress;
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    OK(smpfota_session_progress_get(w->session, w->now, &progress));
    return progress.phase;
}

static void updates_and_confirms(uint32_t profile, uint32_t link, uint32_t device_flags, int controls_link) {
    world w = open_world(profile, link, 0, 7, device_flags);
    w.controls_link = controls_link;
    uintptr_t image = open_image("1.1.0", 40000, 5);
    EQUAL(phase(&w), SMPFOTA_PHASE_IDLE);
    start(&w, image, SMPFOTA_MODE_TEST_AND_CONFIRM, 0);
    OK(smpfota_image_close(image)); /* the session has its share */
    expect_running(w.device, "1.0.0");
    expect_end(&w, SMPFOTA_DONE);
    EQUAL(phase(&w), SMPFOTA_PHASE_DONE);
    expect_result(&w, "\"outcome\":\"updated\"");
    expect_result(&w, "\"confirmed\":true");
    expect_running(w.device, "1.1.0");
    CHECK(w.writes > 40000 / 244);
    smpfota_error error = no_error();
    STATUS(smpfota_session_error(w.session, &error), SMPFOTA_EMPTY);

    /* The log of what was not ordinary ends, and its last entries are JSON. */
    char event[256];
    size_t length = 0;
    int events = 0;
    while (smpfota_session_next_event(w.session, event, sizeof event, &length) == SMPFOTA_OK) {
        CHECK(length > 2 && event[0] == '{' && event[length - 1] == '}');
        events++;
    }
    CHECK(events > 0);

    /* The same again is already there. */
    uintptr_t same = open_image("1.1.0", 40000, 5);
    start(&w, same, SMPFOTA_MODE_TEST_AND_CONFIRM, 0);
    expect_end(&w, SMPFOTA_DONE);
    expect_result(&w, "\"outcome\":\"already_installed\"");

    /* And an older one is refused where only newer ones are wanted. */
    uintptr_t older = open_image("1.0.5", 30000, 6);
    start(&w, older, SMPFOTA_MODE_TEST_AND_CONFIRM, SMPFOTA_UPDATE_UPGRADE_ONLY);
    expect_end(&w, SMPFOTA_DOWNGRADE_REFUSED);
    OK(smpfota_session_error(w.session, &error));
    EQUAL(error.status, SMPFOTA_DOWNGRADE_REFUSED);
    CHECK(error.text_length > 10);
    EQUAL(phase(&w), SMPFOTA_PHASE_FAILED);
    /* A failed operation stays failed. */
    EQUAL(drive(&w), SMPFOTA_DOWNGRADE_REFUSED);
    OK(smpfota_image_close(same));
    OK(smpfota_image_close(older));
    close_world(&w);
}

static void modes_do_what_they_say(void) {
    world w = open_world(SMPFOTA_PROFILE_ZEPHYR_4_4, 0, 0, 3, 0);
    w.controls_link = 1;
    uintptr_t image = open_image("1.1.0", 20000, 1), next = open_image("1.2.0", 20000, 2);

    start(&w, image, SMPFOTA_MODE_UPLOAD_ONLY, 0);
    expect_end(&w, SMPFOTA_DONE);
    expect_result(&w, "\"outcome\":\"uploaded\"");
    expect_running(w.device, "1.0.0");

    start(&w, image, SMPFOTA_MODE_TEST_ONLY, SMPFOTA_UPDATE_FORCE_UPLOAD | SMPFOTA_UPDATE_ERASE_FIRST);
    expect_end(&w, SMPFOTA_DONE);
    expect_result(&w, "\"outcome\":\"on_trial\"");
    expect_running(w.device, "1.1.0");

    /* Nobody confirmed it, so the next reset brings the old one back. */
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_session_start_command(w.session, "reset", 5, NULL, 0, &error), error);
    expect_end(&w, SMPFOTA_DONE);
    w.now += 120000;
    OK_OR_SAY(smpfota_session_start_command(w.session, "image_list", 10, "{}", 2, &error), error);
    expect_end(&w, SMPFOTA_DONE);
    expect_running(w.device, "1.0.0");

    start(&w, next, SMPFOTA_MODE_CONFIRM_AT_ONCE, 0);
    expect_end(&w, SMPFOTA_DONE);
    expect_result(&w, "\"outcome\":\"updated\"");
    expect_running(w.device, "1.2.0");
    OK(smpfota_image_close(image));
    OK(smpfota_image_close(next));
    close_world(&w);
}

/* A look is an operation of its own and changes nothing; what speaks against an update is overridden by its name. */
static void a_check_only_looks(void) {
    world w = open_world(SMPFOTA_PROFILE_ZEPHYR_4_4, 0, 0, 4, 0);
    uintptr_t image = open_image("1.1.0", 20000, 1);
    smpfota_error error = no_error();
    smpfota_update_options options;
    OK(smpfota_update_options_init(&options, sizeof options));
    EQUAL(options.security_counter, 0);
    STATUS(smpfota_session_start_check(w.session, 0, NULL, &error), SMPFOTA_INVALID_HANDLE);
    OK(smpfota_session_start_check(w.session, image, NULL, &error));
    STATUS(smpfota_session_start_check(w.session, image, NULL, &error), SMPFOTA_OPERATION_RUNNING);
    expect_end(&w, SMPFOTA_DONE);
    expect_result(&w, "\"operation\":\"check\"");
    expect_result(&w, "\"way_back\":\"until_confirmed\"");
    expect_result(&w, "\"against\":[]");
    options.security_counter = 9;
    OK(smpfota_session_start_check(w.session, image, &options, &error));
    expect_end(&w, SMPFOTA_DOWNGRADE_REFUSED);
    options.flags = SMPFOTA_UPDATE_IGNORE_SECURITY_COUNTER;
    OK(smpfota_session_start_check(w.session, image, &options, &error));
    expect_end(&w, SMPFOTA_DONE);
    expect_result(&w, "\"objection\":\"security_counter\"");
    expect_running(w.device, "1.0.0");
    OK(smpfota_image_close(image));
    close_world(&w);
}

static void the_caller_judges_the_health(void) {
    uintptr_t image = open_image("1.1.0", 20000, 1);
    for (uint32_t healthy = 0; healthy <= 1; healthy++) {
        world w = open_world(SMPFOTA_PROFILE_ZEPHYR_4_4, 1, 0, 11, 0);
        w.healthy = healthy;
        start(&w, image, SMPFOTA_MODE_TEST_AND_CONFIRM, SMPFOTA_UPDATE_HEALTH_CHECK);
        expect_end(&w, healthy ? SMPFOTA_DONE : SMPFOTA_HEALTH_CHECK_FAILED);
        CHECK(w.health_checks == 1);
        expect_running(w.device, healthy ? "1.1.0" : "1.0.0");
        close_world(&w);
    }
    OK(smpfota_image_close(image));
}

static void every_fault_ends_right(void) {
    uintptr_t image = open_image("1.1.0", 30000, 9);
    char name[64];
    size_t length = 0;
    uint32_t faults = 0;
    while (smpfota_simulator_fault_name(faults, name, sizeof name, &length) == SMPFOTA_OK) faults++;
    CHECK(faults > 5);
    for (uint32_t fault = 1; fault < faults; fault++) {
        world w = open_world(SMPFOTA_PROFILE_ZEPHYR_4_4, 2, fault, 21, 0);
        w.controls_link = 1;
        start(&w, image, SMPFOTA_MODE_TEST_AND_CONFIRM, 0);
        int32_t status = drive(&w);
        /* Whatever the fault does, nobody is told "updated" of a device that is not. */
        if (status == SMPFOTA_DONE) {
            expect_running(w.device, "1.1.0");
        } else {
            smpfota_error error = no_error();
            OK(smpfota_session_error(w.session, &error));
            EQUAL(error.status, status);
        }
        close_world(&w);
    }
    OK(smpfota_image_close(image));
}

static void commands_and_requests(void) {
    world w = open_world(SMPFOTA_PROFILE_ZEPHYR_4_4, 2, 0, 2, 0);
    const char *name = "echo", *arguments = "{\"text\":\"gr\xc3\xbc\xc3\x9f dich\"}";
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_session_start_command(w.session, name, strlen(name), arguments, strlen(arguments), &error), error);
    expect_end(&w, SMPFOTA_DONE);
    expect_result(&w, "gr\xc3\xbc\xc3\x9f dich");
    /* Group 0 command 6: the parameters. The answer comes back as it is. */
    OK_OR_SAY(smpfota_session_start_request(w.session, SMPFOTA_OP_READ, 0, 6, NULL, 0, &error), error);
    expect_end(&w, SMPFOTA_DONE);
    expect_result(&w, "\"body\":\"");
    /* Nobody knows group 200. */
    OK_OR_SAY(smpfota_session_start_request(w.session, SMPFOTA_OP_READ, 200, 0, NULL, 0, &error), error);
    expect_end(&w, SMPFOTA_NOT_SUPPORTED);
    OK(smpfota_session_error(w.session, &error));
    EQUAL(error.code, 8);
    close_world(&w);
}

static void a_paused_session_waits_and_a_cancelled_one_ends(void) {
    world w = open_world(SMPFOTA_PROFILE_ZEPHYR_4_4, 1, 0, 4, 0);
    uintptr_t image = open_image("1.1.0", 30000, 9);
    start(&w, image, SMPFOTA_MODE_TEST_AND_CONFIRM, 0);
    uint8_t frame[512];
    size_t length = 0;
    OK(smpfota_session_next_frame(w.session, w.now, frame, sizeof frame, &length));
    OK(smpfota_session_pause(w.session, w.now));
    STATUS(smpfota_session_next_frame(w.session, w.now + 3600000, frame, sizeof frame, &length), SMPFOTA_WAIT);
    uint64_t deadline = 0;
    STATUS(smpfota_session_deadline(w.session, &deadline), SMPFOTA_EMPTY);
    w.now += 3600000;
    OK(smpfota_session_resume(w.session, w.now));
    OK(smpfota_session_deadline(w.session, &deadline));
    OK(smpfota_session_cancel(w.session, w.now));
    STATUS(smpfota_session_next_frame(w.session, w.now, frame, sizeof frame, &length), SMPFOTA_CANCELLED);
    STATUS(smpfota_session_cancel(w.session, w.now), SMPFOTA_NO_OPERATION);
    /* The session is good for another one. */
    start(&w, image, SMPFOTA_MODE_TEST_AND_CONFIRM, 0);
    expect_end(&w, SMPFOTA_DONE);
    expect_running(w.device, "1.1.0");
    OK(smpfota_image_close(image));
    close_world(&w);
}

/*
 * A worker that handles one message at a time: it restores, feeds what came, sends what is to be sent, saves and is gone.
 */
static void a_session_lives_in_its_snapshot(void) {
    uintptr_t image = open_image("1.1.0", 6000, 9), other = open_image("1.1.0", 6000, 10);
    world w = open_world(SMPFOTA_PROFILE_ZEPHYR_4_4, 2, 0, 5, 0);
    start(&w, image, SMPFOTA_MODE_TEST_AND_CONFIRM, 0);
    uint8_t snapshot[512], frame[512];
    size_t size = 0, length = 0;
    unsigned restored = 0;
    for (;;) {
        int32_t status = smpfota_session_next_frame(w.session, w.now, frame, sizeof frame, &length);
        if (status == SMPFOTA_DONE) break;
        if (status < 0) FAIL("the operation ended with %d", (int)status);
        if (status == SMPFOTA_OK) {
            OK(smpfota_device_write(w.device, w.now, frame, length));
            continue;
        }
        uint64_t wake = 0, next = 0;
        OK(smpfota_session_deadline(w.session, &wake));
        OK(smpfota_session_save(w.session, snapshot, sizeof snapshot, &size));
        STATUS(smpfota_session_save(w.session, snapshot, size - 1, &length), SMPFOTA_BUFFER_TOO_SMALL);
        EQUAL(length, size);
        OK(smpfota_session_close(w.session));
        uintptr_t session = 77;
        smpfota_error error = no_error();
        STATUS(smpfota_session_restore(snapshot, size, other, NULL, &session, &error), SMPFOTA_SNAPSHOT_IMAGE);
        STATUS(smpfota_session_restore(snapshot, size, 0, NULL, &session, &error), SMPFOTA_SNAPSHOT_IMAGE);
        STATUS(smpfota_session_restore(snapshot, size, w.device, NULL, &session, &error), SMPFOTA_INVALID_HANDLE);
        STATUS(smpfota_session_restore(snapshot, size - 1, image, NULL, &session, &error), SMPFOTA_SNAPSHOT_DAMAGED);
        snapshot[restored % size] ^= 4;
        CHECK(smpfota_session_restore(snapshot, size, image, NULL, &session, &error) < 0);
        snapshot[restored % size] ^= 4;
        EQUAL(session, 77);
        OK_OR_SAY(smpfota_session_restore(snapshot, size, image, NULL, &w.session, &error), error);
        restored++;
        CHECK(restored < 20000);
        /* The next worker is woken by a message or by the deadline. */
        while (!deliver(&w) && w.now < wake) {
            int32_t comes = smpfota_device_deadline(w.device, &next);
            CHECK(comes >= 0);
            w.now = comes != SMPFOTA_OK || next > wake ? wake : next > w.now ? next : w.now + 1;
        }
    }
    CHECK(restored > 20);
    expect_running(w.device, "1.1.0");
    expect_result(&w, "\"confirmed\":true");
    /* A command is not kept: the session comes back without an operation. */
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_session_start_command(w.session, "image_list", 10, NULL, 0, &error), error);
    OK(smpfota_session_save(w.session, snapshot, sizeof snapshot, &size));
    uintptr_t without = 0;
    OK_OR_SAY(smpfota_session_restore(snapshot, size, 0, NULL, &without, &error), error);
    STATUS(smpfota_session_next_frame(without, w.now, frame, sizeof frame, &length), SMPFOTA_NO_OPERATION);
    OK(smpfota_session_close(without));
    OK(smpfota_image_close(image));
    OK(smpfota_image_close(other));
    close_world(&w);
}

static void a_file_is_described(void) {
    uintptr_t image = open_image("2.3.4+5", 4000, 1);
    smpfota_image_info info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    OK(smpfota_image_info_get(image, 0, &info));
    EQUAL(info.image_count, 1);
    EQUAL(info.size, 4000);
    EQUAL(info.header_size, 32);
    EQUAL(info.version_major, 2);
    EQUAL(info.version_minor, 3);
    EQUAL(info.version_revision, 4);
    EQUAL(info.version_build, 5);
    EQUAL(info.hash_kind, 256);
    EQUAL(info.hash_length, 32);
    EQUAL(info.signature_kind, 0);
    EQUAL(info.slot, SMPFOTA_UNKNOWN);
    EQUAL(info.properties, 0);
    STATUS(smpfota_image_info_get(image, 1, &info), SMPFOTA_INVALID_ARGUMENT);
    char *text = text_of(smpfota_image_describe, image);
    expect_words(text, "\"version\":\"2.3.4");
    free(text);
    OK(smpfota_image_close(image));
}

static void a_frame_is_explained(void) {
    const uint8_t frame[] = {0x02, 0, 0, 1, 0, 0, 7, 0, 0xa0};
    char text[8192];
    size_t length = 0;
    OK(smpfota_explain_frame(frame, sizeof frame, text, sizeof text - 1, &length));
    text[length] = '\0';
    expect_words(text, "\"sequence\":7");
}

static void the_console_framing_goes_there_and_back(void) {
    uint8_t frame[700], lines[1400], back[700];
    for (size_t i = 0; i < sizeof frame; i++) frame[i] = (uint8_t)(i * 7);
    size_t length = 0, got = 0;
    OK(smpfota_serial_encode(frame, sizeof frame, lines, sizeof lines, &length));
    uintptr_t decoder = 0;
    OK(smpfota_serial_decoder_open(0, &decoder));
    for (size_t i = 0; i < length; i++) {
        /* The frame is whole with its last character, before the newline. */
        if (i + 1 < length) STATUS(smpfota_serial_decoder_next(decoder, back, sizeof back, &got), SMPFOTA_EMPTY);
        OK(smpfota_serial_decoder_feed(decoder, lines + i, 1));
    }
    STATUS(smpfota_serial_decoder_next(decoder, back, 10, &got), SMPFOTA_BUFFER_TOO_SMALL);
    EQUAL(got, sizeof frame);
    OK(smpfota_serial_decoder_next(decoder, back, sizeof back, &got));
    EQUAL(got, sizeof frame);
    CHECK(memcmp(frame, back, sizeof frame) == 0);
    OK(smpfota_serial_decoder_close(decoder));
}

int main(void) {
    EQUAL(smpfota_abi_version(), SMPFOTA_ABI_VERSION);
    const uint32_t profiles[] = {SMPFOTA_PROFILE_ZEPHYR_4_4, SMPFOTA_PROFILE_NCS_2_1};
    for (size_t i = 0; i < 2; i++) {
        updates_and_confirms(profiles[i], 0, 0, 1);
        updates_and_confirms(profiles[i], 3, 0, 0);
        updates_and_confirms(profiles[i], 1, SMPFOTA_DEVICE_FLAG_REASSEMBLY, 0);
        updates_and_confirms(profiles[i], 0, SMPFOTA_DEVICE_FLAG_SERIAL, 0);
    }
    modes_do_what_they_say();
    a_check_only_looks();
    the_caller_judges_the_health();
    every_fault_ends_right();
    commands_and_requests();
    a_paused_session_waits_and_a_cancelled_one_ends();
    a_session_lives_in_its_snapshot();
    a_file_is_described();
    a_frame_is_explained();
    the_console_framing_goes_there_and_back();
    puts("every update ended as it should");
    return 0;
}
