// A whole update in Node, over koffi. Handles are numbers: all of them are below 2^53. Times stay far below it as well.
const koffi = require('koffi');

const OK = 0, DONE = 3, EMPTY = 5, BUFFER_TOO_SMALL = -5, ABI_VERSION = 1, GATEWAY_LAN = 2;
const library = koffi.load(process.argv[2]);

koffi.struct('smpfota_error', {
  struct_size: 'uint32_t', status: 'int32_t', group: 'int32_t', code: 'int32_t', finding: 'uint32_t', text_length: 'uint32_t',
  text: koffi.array('char', 488, 'String'), // ends at the NUL
});
// The structs end where this program's interest does: struct_size says so.
koffi.struct('smpfota_session_options', { struct_size: 'uint32_t', framing: 'uint32_t', max_write: 'uint32_t' });
koffi.struct('smpfota_device_options', { struct_size: 'uint32_t', profile: 'uint32_t', link: 'uint32_t', fault: 'uint32_t', seed: 'uint64_t' });
koffi.struct('smpfota_progress', { struct_size: 'uint32_t', phase: 'uint32_t', acknowledged: 'uint64_t', total: 'uint64_t' });

const OUTPUT = 'uint8_t *, size_t, _Out_ size_t *', OPENED = '_Out_ uintptr_t *, _Inout_ smpfota_error *';
const native = {};
for (const [name, parameters] of Object.entries({
  status_name: `int32_t, ${OUTPUT}`,
  simulator_make_image: `const char *, size_t, uint32_t, uint64_t, ${OUTPUT}`,
  image_open_bytes: `const uint8_t *, size_t, ${OPENED}`,
  session_options_init: '_Out_ smpfota_session_options *, uint32_t',
  device_options_init: '_Out_ smpfota_device_options *, uint32_t',
  session_open: `const smpfota_session_options *, ${OPENED}`,
  device_open: `const smpfota_device_options *, ${OPENED}`,
  session_start_update: 'uintptr_t, uintptr_t, void *, _Inout_ smpfota_error *',
  session_restore: `const uint8_t *, size_t, uintptr_t, void *, ${OPENED}`,
  session_next_frame: `uintptr_t, uint64_t, ${OUTPUT}`,
  device_read: `uintptr_t, uint64_t, ${OUTPUT}`,
  session_feed: 'uintptr_t, uint64_t, const uint8_t *, size_t',
  device_write: 'uintptr_t, uint64_t, const uint8_t *, size_t',
  session_deadline: 'uintptr_t, _Out_ uint64_t *',
  device_deadline: 'uintptr_t, _Out_ uint64_t *',
  session_progress_get: 'uintptr_t, uint64_t, _Inout_ smpfota_progress *',
  session_save: `uintptr_t, ${OUTPUT}`,
  device_describe: `uintptr_t, ${OUTPUT}`,
  session_error: 'uintptr_t, _Inout_ smpfota_error *',
  session_close: 'uintptr_t', image_close: 'uintptr_t', device_close: 'uintptr_t',
})) native[name] = library.func(`int32_t smpfota_${name}(${parameters})`);

const empty = { status: 0, group: 0, code: 0, finding: 0, text_length: 0, text: '' };
const noError = () => ({ struct_size: koffi.sizeof('smpfota_error'), ...empty });

function check(status, error) {
  if (status >= 0 || status === BUFFER_TOO_SMALL) return status;
  throw new Error(`${output('status_name', status).data.toString()}${error ? `: ${error.text}` : ''}`);
}

// A call that fills a buffer, with one as large as it asks for where the first is too small.
function output(name, ...parameters) {
  for (let buffer = Buffer.alloc(256); ;) {
    const length = [0];
    const status = native[name](...parameters, buffer, buffer.length, length);
    if (status === BUFFER_TOO_SMALL) { buffer = Buffer.alloc(length[0]); continue; }
    return { status, data: buffer.subarray(0, status === OK ? length[0] : 0) };
  }
}

function opened(name, ...parameters) {
  const handle = [0], error = noError();
  check(native[name](...parameters, handle, error), error);
  return handle[0];
}

function options(kind, fields) {
  const filled = {};
  check(native[`${kind}_options_init`](filled, koffi.sizeof(`smpfota_${kind}_options`)));
  return { ...filled, ...fields };
}

function due(name, handle) {
  const deadline = [0];
  return check(native[name](handle, deadline)) === EMPTY ? Infinity : Number(deadline[0]);
}

if (library.func('uint32_t smpfota_abi_version()')() !== ABI_VERSION) throw new Error('another ABI');
try {
  opened('session_open', options('session', { max_write: 3 }));
} catch (refusal) {
  console.log('refused:', refusal.message);
}
const device = opened('device_open', options('device', { link: GATEWAY_LAN, seed: 7 }));
const file = output('simulator_make_image', '1.1.0', 5, 40000, 5);
let image = opened('image_open_bytes', file.data, file.data.length), session = opened('session_open', null);
check(native.session_start_update(session, image, null, noError()));
let now = 0, saved = null; // the device is virtual, and so is the time
for (let step; (step = output('session_next_frame', session, now)).status !== DONE;) {
  if (step.status === OK) { check(native.device_write(device, now, step.data, step.data.length)); continue; }
  if (step.status < 0) {
    const error = noError();
    native.session_error(session, error);
    check(step.status, error);
  }
  const progress = { struct_size: koffi.sizeof('smpfota_progress'), phase: 0, acknowledged: 0, total: 0 };
  check(native.session_progress_get(session, now, progress));
  if (!saved && progress.acknowledged * 2 > progress.total) {
    saved = output('session_save', session).data;
    check(native.session_close(session));
    session = opened('session_restore', saved, saved.length, image, null);
    console.log(`saved: ${saved.length} bytes`);
    continue;
  }
  let came = false;
  for (let message; (message = output('device_read', device, now)).status === OK; came = true)
    check(native.session_feed(session, now, message.data, message.data.length));
  if (!came) now = Math.max(now + 1, Math.min(due('session_deadline', session), due('device_deadline', device)));
}
console.log('updated:', JSON.parse(output('device_describe', device).data.toString()).running);
for (const [kind, handle] of Object.entries({ session, image, device })) check(native[`${kind}_close`](handle));
