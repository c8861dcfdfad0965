//! Frames of `application/vnd.amazon.eventstream`, as Bedrock streams its events.
//!
//! A frame is the length of all of it and of its headers, each four bytes, a checksum of these eight, the headers, the
//! payload, and a checksum of everything before. Numbers are big-endian.

/// The type of a header that is text.
const TEXT: u8 = 7;

/// One frame around a payload of JSON.
pub(crate) fn frame(name: &str, payload: &[u8]) -> Vec<u8> {
    let (message_type, name_header) = match name.ends_with("Exception") {
        true => ("exception", ":exception-type"),
        false => ("event", ":event-type"),
    };
    let mut headers = Vec::new();
    for (key, value) in [(name_header, name), (":content-type", "application/json"), (":message-type", message_type)] {
        headers.push(key.len() as u8);
        headers.extend_from_slice(key.as_bytes());
        headers.push(TEXT);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let n_bytes = 12 + headers.len() + payload.len() + 4;
    let mut frame = Vec::with_capacity(n_bytes);
    frame.extend_from_slice(&(n_bytes as u32).to_be_bytes());
    frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    frame.extend_from_slice(&crc32(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc32(&frame).to_be_bytes());
    frame
}

/// The checksum of zip and Ethernet (IEEE 802.3), a byte at a time.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_checksum() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_frame_has_its_lengths_and_checksums() {
        let frame = frame("messageStart", b"{}");
        let number = |at: usize| u32::from_be_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
        assert_eq!(number(0) as usize, frame.len());
        assert_eq!(number(8), crc32(&frame[..8]));
        assert_eq!(number(frame.len() - 4), crc32(&frame[..frame.len() - 4]));
        let payload_at = 12 + number(4) as usize;
        assert_eq!(&frame[payload_at..frame.len() - 4], b"{}");
    }
}
