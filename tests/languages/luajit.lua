-- A whole update in LuaJIT, whose ffi reads the header itself, once a C preprocessor has been over it.
-- usage: luajit luajit.lua LIBRARY INCLUDE
local ffi = require("ffi")

local command = "echo '#include <smpfota.h>' | cc -E -P -DSMPFOTA_API= -DSMPFOTA_MUST_USE= -x c -I '%s' -"
local preprocessed = assert(io.popen(command:format(arg[2])))
local source = preprocessed:read("*a")
preprocessed:close()
local first = assert(source:find("enum smpfota_status", 1, true), "no preprocessor, or no header")
ffi.cdef(source:sub(first))
local library = ffi.load(arg[1])

-- A struct that says its size.
local function sized(kind)
    local struct = ffi.new("struct " .. kind)
    struct.struct_size = ffi.sizeof(struct)
    return struct
end

local output

-- A status below 0 is an error with its name, and with the library's sentence where the call has one.
local function check(status, failure)
    if status >= 0 or status == library.SMPFOTA_BUFFER_TOO_SMALL then return status end
    local _, name = output("status_name", status)
    error(failure and name .. ": " .. ffi.string(failure.text, failure.text_length) or name, 0)
end

-- A call that fills a buffer, with one as large as it asks for where the first is too small.
function output(name, ...)
    local size, length = 256, ffi.new("size_t[1]")
    local parameters, count = { ... }, select("#", ...)
    while true do
        local buffer = ffi.new("char[?]", size)
        local is_text = name:find("name$") or name:find("describe$")
        parameters[count + 1] = is_text and buffer or ffi.cast("uint8_t *", buffer)
        parameters[count + 2], parameters[count + 3] = size, length
        local status = check(library["smpfota_" .. name](unpack(parameters, 1, count + 3)))
        if status ~= library.SMPFOTA_BUFFER_TOO_SMALL then
            return status, status == library.SMPFOTA_OK and ffi.string(buffer, length[0]) or ""
        end
        size = tonumber(length[0])
    end
end

local function opened(name, ...)
    local handle, failure = ffi.new("uintptr_t[1]"), sized("smpfota_error")
    local parameters, count = { ... }, select("#", ...)
    parameters[count + 1], parameters[count + 2] = handle, failure
    check(library["smpfota_" .. name](unpack(parameters, 1, count + 2)), failure)
    return tonumber(handle[0]) -- every handle is below 2^53
end

local function due(name, handle)
    local deadline = ffi.new("uint64_t[1]")
    check(library["smpfota_" .. name](handle, deadline))
    return tonumber(deadline[0]) -- with EMPTY the latest there is
end

assert(library.smpfota_abi_version() == 1, "this program knows another ABI than the library")
local options = ffi.new("smpfota_session_options")
check(library.smpfota_session_options_init(options, ffi.sizeof(options)))
options.max_write = 3
local _, refusal = pcall(opened, "session_open", options)
print("refused: " .. refusal)

local link = ffi.new("smpfota_device_options")
check(library.smpfota_device_options_init(link, ffi.sizeof(link)))
link.link = 2 -- gateway-lan
local device = opened("device_open", link)
local _, file = output("simulator_make_image", "1.1.0", 5, 40000, 5)
local image = opened("image_open_bytes", file, #file)
local session = opened("session_open", nil)
check(library.smpfota_session_start_update(session, image, nil, nil))
local now, saved, progress = 0, nil, sized("smpfota_progress") -- the device is virtual, and so is the time
while true do
    local good, status, frame = pcall(output, "session_next_frame", session, now)
    if not good then -- it has no error of its own: the session keeps it
        local failure = sized("smpfota_error")
        check(library.smpfota_session_error(session, failure))
        error(ffi.string(failure.text, failure.text_length), 0)
    end
    if status == library.SMPFOTA_DONE then break end
    check(library.smpfota_session_progress_get(session, now, progress))
    if status == library.SMPFOTA_OK then
        check(library.smpfota_device_write(device, now, frame, #frame))
    elseif not saved and progress.bytes_acknowledged * 2 > progress.bytes_total then
        _, saved = output("session_save", session)
        check(library.smpfota_session_close(session))
        session = opened("session_restore", saved, #saved, image, nil)
        print("saved: " .. #saved .. " bytes")
    else
        local came = false
        while true do
            local arrived, message = output("device_read", device, now)
            if arrived ~= library.SMPFOTA_OK then break end
            check(library.smpfota_session_feed(session, now, message, #message))
            came = true
        end
        if not came then now = math.max(now + 1, math.min(due("session_deadline", session), due("device_deadline", device))) end
    end
end
local _, text = output("device_describe", device)
print("updated: " .. text:match('"running":"([^"]*)"'))
check(library.smpfota_session_close(session))
check(library.smpfota_image_close(image))
check(library.smpfota_device_close(device))
