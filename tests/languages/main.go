// A whole update in Go, over cgo. Handles are numbers, so that the garbage collector never looks at them.
package main

/*
#include <smpfota.h>
*/
import "C"

import (
	"fmt"
	"log"
	"math"
	"strings"
	"unsafe"
)

type bytes = *C.uint8_t
type size = C.size_t
type rc = C.int32_t

// A status below 0 is an error with its name, and with the library's sentence where the call has one.
func failed(status C.int32_t, failure *C.smpfota_error) error {
	if status >= 0 {
		return nil
	}
	_, name := output(func(b bytes, n size, l *size) rc {
		return C.smpfota_status_name(status, (*C.char)(unsafe.Pointer(b)), n, l)
	})
	if failure == nil {
		return fmt.Errorf("%s", name)
	}
	return fmt.Errorf("%s: %s", name, C.GoString((*C.char)(unsafe.Pointer(&failure.text[0]))))
}

func must(status C.int32_t) C.int32_t {
	if err := failed(status, nil); err != nil {
		log.Fatal(err)
	}
	return status
}

// A call that fills a buffer, with one as large as it asks for where the first is too small.
func output(call func(b bytes, n size, l *size) rc) (C.int32_t, []byte) {
	buffer, length := make([]byte, 256), C.size_t(0)
	for {
		got := call(pointer(buffer), size(len(buffer)), &length)
		if got != C.SMPFOTA_BUFFER_TOO_SMALL {
			return got, buffer[:length]
		}
		buffer = make([]byte, length)
	}
}

func pointer(data []byte) bytes { return bytes(unsafe.Pointer(&data[0])) }

func openSession(maxWrite C.uint32_t) (session C.smpfota_session, err error) {
	var options C.smpfota_session_options
	must(C.smpfota_session_options_init(&options, C.sizeof_smpfota_session_options))
	options.max_write = maxWrite
	failure := &C.smpfota_error{struct_size: C.sizeof_smpfota_error}
	return session, failed(C.smpfota_session_open(&options, &session, failure), failure)
}

func main() {
	if C.smpfota_abi_version() != C.SMPFOTA_ABI_VERSION {
		log.Fatal("this program knows another ABI than the library")
	}
	_, refusal := openSession(3)
	fmt.Println("refused:", refusal)
	var device C.smpfota_device
	var image C.smpfota_image
	must(C.smpfota_device_open(nil, &device, nil))
	_, file := output(func(b bytes, n size, l *size) rc {
		return C.smpfota_simulator_make_image(C.CString("1.1.0"), 5, 40000, 5, b, n, l)
	})
	must(C.smpfota_image_open_bytes(pointer(file), C.size_t(len(file)), &image, nil))
	session, _ := openSession(244)
	must(C.smpfota_session_start_update(session, image, nil, nil))
	now, saved := C.uint64_t(0), []byte(nil) // the device is virtual, and so is the time
	for {
		status, frame := output(func(b bytes, n size, l *size) rc { return C.smpfota_session_next_frame(session, now, b, n, l) })
		if status == C.SMPFOTA_DONE {
			break
		} else if status == C.SMPFOTA_OK {
			must(C.smpfota_device_write(device, now, pointer(frame), C.size_t(len(frame))))
			continue
		} else if status < 0 { // it has no error of its own: the session keeps it
			failure := &C.smpfota_error{struct_size: C.sizeof_smpfota_error}
			must(C.smpfota_session_error(session, failure))
			log.Fatal(failed(status, failure))
		}
		progress := C.smpfota_progress{struct_size: C.sizeof_smpfota_progress}
		must(C.smpfota_session_progress_get(session, now, &progress))
		if saved == nil && progress.bytes_acknowledged*2 > progress.bytes_total {
			_, saved = output(func(b bytes, n size, l *size) rc { return C.smpfota_session_save(session, b, n, l) })
			must(C.smpfota_session_close(session))
			must(C.smpfota_session_restore(pointer(saved), C.size_t(len(saved)), image, nil, &session, nil))
			fmt.Println("saved:", len(saved), "bytes")
		}
		came := false
		for {
			status, message := output(func(b bytes, n size, l *size) rc { return C.smpfota_device_read(device, now, b, n, l) })
			if must(status) != C.SMPFOTA_OK {
				break
			}
			must(C.smpfota_session_feed(session, now, pointer(message), C.size_t(len(message))))
			came = true
		}
		var ours, its C.uint64_t // with EMPTY the latest there is
		must(C.smpfota_session_deadline(session, &ours))
		must(C.smpfota_device_deadline(device, &its))
		if !came {
			now = C.uint64_t(math.Max(float64(now+1), math.Min(float64(ours), float64(its))))
		}
	}
	_, text := output(func(b bytes, n size, l *size) rc {
		return C.smpfota_device_describe(device, (*C.char)(unsafe.Pointer(b)), n, l)
	})
	fmt.Println("updated:", strings.Split(strings.Split(string(text), `"running":"`)[1], `"`)[0])
}
