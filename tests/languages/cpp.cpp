// A whole update in C++17: handles that close themselves, statuses that throw.
#include <smpfota.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;

// The usual way through an output: call with room for most, and once more with as much as it asks for.
template <class Buffer, class Call>
int32_t output(Buffer &buffer, Call call) {
    size_t length = 0;
    buffer.resize(256);
    int32_t status;
    while ((status = call(buffer.data(), buffer.size(), &length)) == SMPFOTA_BUFFER_TOO_SMALL) buffer.resize(length);
    buffer.resize(status == SMPFOTA_OK ? length : 0);
    return status;
}

std::string name_of(int32_t status) {
    std::string name;
    output(name, [=](auto... to) { return smpfota_status_name(status, to...); });
    return name;
}

struct Failure : std::runtime_error {
    explicit Failure(int32_t status) : std::runtime_error(name_of(status)) {}
    explicit Failure(const smpfota_error &error)
        : std::runtime_error(name_of(error.status) + ": " + reinterpret_cast<const char *>(error.text)) {}
};

int32_t check(int32_t status) {
    if (status < 0) throw Failure(status);
    return status;
}

// Owns one handle; whoever opens closes, and a moved-from one has nothing to close.
class Handle {
public:
    template <class Open>
    Handle(int32_t (*close)(uintptr_t), Open open) : close_(close) {
        smpfota_error error{};
        error.struct_size = sizeof error;
        if (open(&value_, &error) < 0) throw Failure(error);
    }
    Handle(Handle &&other) noexcept : close_(other.close_), value_(std::exchange(other.value_, 0)) {}
    Handle &operator=(Handle &&other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~Handle() { (void)close_(value_); }  // closing 0 is INVALID_HANDLE and nothing else
    operator uintptr_t() const { return value_; }

private:
    int32_t (*close_)(uintptr_t);
    uintptr_t value_ = 0;
};

Handle open_session(uint32_t max_write) {
    smpfota_session_options options;
    check(smpfota_session_options_init(&options, sizeof options));
    options.max_write = max_write;
    return {smpfota_session_close, [&](auto... to) { return smpfota_session_open(&options, to...); }};
}

void update() {
    smpfota_device_options options;
    check(smpfota_device_options_init(&options, sizeof options));
    options.link = 2;  // gateway-lan
    Handle device(smpfota_device_close, [&](auto... to) { return smpfota_device_open(&options, to...); });
    Bytes file, bytes, saved;
    check(output(file, [](auto... to) { return smpfota_simulator_make_image("1.1.0", 5, 40000, 5, to...); }));
    Handle image(smpfota_image_close, [&](auto... to) { return smpfota_image_open_bytes(file.data(), file.size(), to...); });
    Handle session = open_session(244);
    check(smpfota_session_start_update(session, image, nullptr, nullptr));
    uint64_t now = 0;  // the device is virtual, and so is the time
    for (int32_t status; (status = output(bytes, [&](auto... to) { return smpfota_session_next_frame(session, now, to...); })) != SMPFOTA_DONE;) {
        if (status == SMPFOTA_OK) {
            check(smpfota_device_write(device, now, bytes.data(), bytes.size()));
            continue;
        }
        smpfota_error error{};
        error.struct_size = sizeof error;
        if (check(smpfota_session_error(session, &error)) == SMPFOTA_OK) throw Failure(error);
        smpfota_progress progress{};
        progress.struct_size = sizeof progress;
        check(smpfota_session_progress_get(session, now, &progress));
        if (saved.empty() && progress.bytes_acknowledged * 2 > progress.bytes_total) {
            check(output(saved, [&](auto... to) { return smpfota_session_save(session, to...); }));
            session = Handle(smpfota_session_close, [&](auto... to) { return smpfota_session_restore(saved.data(), saved.size(), image, nullptr, to...); });
            std::printf("saved: %zu bytes\n", saved.size());
            continue;
        }
        bool any = false;
        for (; output(bytes, [&](auto... to) { return smpfota_device_read(device, now, to...); }) == SMPFOTA_OK; any = true)
            check(smpfota_session_feed(session, now, bytes.data(), bytes.size()));
        uint64_t ours = 0, its = 0;
        check(smpfota_session_deadline(session, &ours)), check(smpfota_device_deadline(device, &its));
        if (!any) now = std::max(now + 1, std::min(ours, its));
    }
    std::string text;
    check(output(text, [&](auto... to) { return smpfota_device_describe(device, to...); }));
    std::printf("updated: %s\n", text.find("\"running\":\"1.1.0\"") == std::string::npos ? text.c_str() : "1.1.0");
}

}  // namespace

int main() {
    if (smpfota_abi_version() != SMPFOTA_ABI_VERSION) return 1;
    try { open_session(3); } catch (const Failure &failure) { std::printf("refused: %s\n", failure.what()); }
    update();
}
