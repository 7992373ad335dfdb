//! Makes zip archives by hand, so that each field can be wrong on purpose; the code under test reads with a library.

/// One entry, its directory record and its local header in agreement unless a field says otherwise.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    /// What both headers declare; `None` for the truth.
    pub declared_size: Option<u32>,
    pub declared_crc: Option<u32>,
    /// The Unix mode in the upper half of the external attributes.
    pub mode: u16,
    /// The stored bytes when they are not `data` itself.
    pub stored: Option<Vec<u8>>,
}

impl Entry {
    pub fn new(name: &str, data: impl Into<Vec<u8>>) -> Entry {
        Entry {
            name: name.into(),
            data: data.into(),
            method: 0,
            flags: 0,
            declared_size: None,
            declared_crc: None,
            mode: 0o100_644,
            stored: None,
        }
    }

    /// Deflated, in stored blocks: the format allows it and no compressor is needed.
    pub fn deflated(mut self) -> Entry {
        let mut out = Vec::new();
        let mut chunks = self.data.chunks(0xffff).peekable();
        if self.data.is_empty() {
            out.extend([1, 0, 0, 0xff, 0xff]);
        }
        while let Some(chunk) = chunks.next() {
            out.push(u8::from(chunks.peek().is_none()));
            out.extend((chunk.len() as u16).to_le_bytes());
            out.extend((!(chunk.len() as u16)).to_le_bytes());
            out.extend(chunk);
        }
        self.method = 8;
        self.stored = Some(out);
        self
    }

    fn fields(&self) -> Vec<u8> {
        let stored = self.stored.as_ref().unwrap_or(&self.data);
        let mut out = Vec::new();
        out.extend(20u16.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0x50]);
        out.extend(self.declared_crc.unwrap_or_else(|| crc32(&self.data)).to_le_bytes());
        out.extend((stored.len() as u32).to_le_bytes());
        out.extend(self.declared_size.unwrap_or(self.data.len() as u32).to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend([0, 0]);
        out
    }
}

/// The archive of these entries.
pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = out.len() as u32;
        out.extend(b"PK\x03\x04");
        out.extend(entry.fields());
        out.extend(&entry.name);
        out.extend(entry.stored.as_ref().unwrap_or(&entry.data));
        directory.extend(b"PK\x01\x02");
        // Made on Unix, so that the mode counts.
        directory.extend([20, 3]);
        directory.extend(entry.fields());
        directory.extend([0; 6]);
        directory.extend((u32::from(entry.mode) << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06");
    out.extend([0; 4]);
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// CRC-32 as zip uses it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
