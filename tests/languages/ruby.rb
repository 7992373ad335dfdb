# A whole update in Ruby, over fiddle of its standard library. Structs are packed by hand: struct_size says where they end.
# usage: ruby ruby.rb LIBRARY
require 'fiddle'
require 'json'

OK, DONE, EMPTY, BUFFER_TOO_SMALL, ABI_VERSION, GATEWAY_LAN = 0, 3, 5, -5, 1, 2
LIBRARY = Fiddle.dlopen(ARGV[0])
POINTER, HANDLE, SIZE = Fiddle::TYPE_VOIDP, Fiddle::TYPE_UINTPTR_T, Fiddle::TYPE_SIZE_T
TIME, NUMBER = -Fiddle::TYPE_LONG_LONG, -Fiddle::TYPE_INT # the minus makes them unsigned
OUTPUT, OPENED = [POINTER, SIZE, POINTER], [POINTER, POINTER]

FUNCTIONS = {
  abi_version: [], status_name: [Fiddle::TYPE_INT, *OUTPUT],
  simulator_make_image: [POINTER, SIZE, NUMBER, TIME, *OUTPUT],
  image_open_bytes: [POINTER, SIZE, *OPENED],
  session_options_init: [POINTER, NUMBER], device_options_init: [POINTER, NUMBER],
  session_open: [POINTER, *OPENED], device_open: [POINTER, *OPENED],
  session_start_update: [HANDLE, HANDLE, POINTER, POINTER],
  session_restore: [POINTER, SIZE, HANDLE, POINTER, *OPENED],
  session_next_frame: [HANDLE, TIME, *OUTPUT], device_read: [HANDLE, TIME, *OUTPUT],
  session_feed: [HANDLE, TIME, POINTER, SIZE], device_write: [HANDLE, TIME, POINTER, SIZE],
  session_deadline: [HANDLE, POINTER], device_deadline: [HANDLE, POINTER],
  session_progress_get: [HANDLE, TIME, POINTER],
  session_save: [HANDLE, *OUTPUT], device_describe: [HANDLE, *OUTPUT],
  session_error: [HANDLE, POINTER],
  session_close: [HANDLE], image_close: [HANDLE], device_close: [HANDLE]
}.to_h { |name, types| [name, Fiddle::Function.new(LIBRARY["smpfota_#{name}"], types, Fiddle::TYPE_INT)] }

class SmpError < StandardError; end

# An smpfota_error that says its size: six numbers, then the text with its NUL.
def error_struct = [512, *[0] * 5].pack('L6') + "\0" * 488

def sentence(error) = error.unpack1('@24Z*').force_encoding('UTF-8')

def call(name, *arguments, error: nil)
  status = FUNCTIONS.fetch(name).call(*arguments)
  return status if status >= 0 || status == BUFFER_TOO_SMALL

  raise SmpError, [output(:status_name, status)[1], error && sentence(error)].compact.join(': ')
end

# A call that fills a buffer, with one as large as it asks for where the first is too small.
def output(name, *arguments)
  size = 256
  loop do
    buffer, length = "\0".b * size, [0].pack('J')
    status = call(name, *arguments, buffer, size, length)
    need = length.unpack1('J')
    return [status, status == OK ? buffer.byteslice(0, need) : ''] unless status == BUFFER_TOO_SMALL

    size = need
  end
end

def opened(name, *arguments)
  handle, error = [0].pack('J'), error_struct
  call(name, *arguments, handle, error, error: error)
  handle.unpack1('J')
end

# The first `size` bytes of the options of a kind, with the numbers at some offsets set.
def options(kind, size, numbers)
  filled = "\0".b * size
  call(:"#{kind}_options_init", filled, size)
  numbers.each { |offset, number| filled[offset, 4] = [number].pack('L') }
  filled
end

def due(name, handle)
  deadline = [0].pack('Q')
  call(name, handle, deadline)
  deadline.unpack1('Q') # with EMPTY the latest there is
end

abort 'this program knows another ABI than the library' unless FUNCTIONS[:abi_version].call == ABI_VERSION
begin
  opened(:session_open, options(:session, 12, { 8 => 3 })) # max_write
rescue SmpError => refusal
  puts "refused: #{refusal.message}"
end
device = opened(:device_open, options(:device, 24, { 8 => GATEWAY_LAN }))
file = output(:simulator_make_image, '1.1.0', 5, 40_000, 5)[1]
image = opened(:image_open_bytes, file, file.bytesize)
session = opened(:session_open, nil)
call(:session_start_update, session, image, nil, nil)
now, saved = 0, nil # the device is virtual, and so is the time
loop do
  begin
    status, frame = output(:session_next_frame, session, now)
  rescue SmpError # it has no error of its own: the session keeps it
    call(:session_error, session, error = error_struct)
    raise SmpError, sentence(error)
  end
  break if status == DONE

  next call(:device_write, device, now, frame, frame.bytesize) if status == OK

  call(:session_progress_get, session, now, progress = [24].pack('L') + "\0".b * 20)
  acknowledged, total = progress.unpack('@8QQ')
  if saved.nil? && acknowledged * 2 > total
    saved = output(:session_save, session)[1]
    call(:session_close, session)
    session = opened(:session_restore, saved, saved.bytesize, image, nil)
    next puts("saved: #{saved.bytesize} bytes")
  end
  messages = []
  messages << output(:device_read, device, now) while messages.empty? || messages.last[0] == OK
  messages[0..-2].each { |_, message| call(:session_feed, session, now, message, message.bytesize) }
  now = [now + 1, [due(:session_deadline, session), due(:device_deadline, device)].min].max if messages.size == 1
end
puts "updated: #{JSON.parse(output(:device_describe, device)[1])['running']}"
{ session_close: session, image_close: image, device_close: device }.each { |name, handle| call(name, handle) }
