//! Packed files: gzip and zstd by their names, unpacked as they are read. A file that unpacks to far more than it is, is
//! refused before it fills anything.

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How many times its own size a packed file may unpack to, beyond [`FREE`]; feeds reach 20.
pub const RATIO_MAX: u64 = 200;
/// What every file may unpack to, in bytes.
pub const FREE: u64 = 64 << 20;
/// Most memory that a zstd frame may ask for, in bytes.
const WINDOW_MAX: u64 = 128 << 20;

/// A reader of a file's content, and its name without the packing: `products.csv` for `products.csv.gz`.
///
/// # Errors
/// When a packed file does not begin as its name says.
pub fn unpack<'a>(
    path: &Path,
    len: u64,
    reader: impl BufRead + 'a,
) -> io::Result<(PathBuf, Box<dyn BufRead + 'a>)> {
    let most = len.saturating_mul(RATIO_MAX).saturating_add(FREE);
    let stem = path.with_extension("");
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => Ok((stem, limited(MultiGzDecoder::new(reader), most))),
        Some("zst") => {
            let decoder = StreamingDecoder::new_with_max_window_size(reader, WINDOW_MAX);
            Ok((stem, limited(decoder.map_err(io::Error::other)?, most)))
        }
        _ => Ok((path.to_owned(), Box::new(reader))),
    }
}

fn limited<'a>(unpacked: impl Read + 'a, most: u64) -> Box<dyn BufRead + 'a> {
    Box::new(BufReader::with_capacity(1 << 16, Limited { unpacked, left: most, most }))
}

struct Limited<R> {
    unpacked: R,
    left: u64,
    most: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacked.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let why =
                    format!("it unpacks to more than {} bytes; unpack it yourself if it is right", self.most);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gz(bytes: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        bytes.for_each(|bytes| encoder.write_all(&bytes).expect("memory takes it"));
        encoder.finish().expect("memory takes it")
    }

    fn content(name: &str, packed: &[u8]) -> io::Result<(PathBuf, u64)> {
        let (stem, mut reader) = unpack(Path::new(name), packed.len() as u64, packed)?;
        let count = io::copy(&mut reader, &mut io::sink())?;
        Ok((stem, count))
    }

    #[test]
    fn what_is_packed_is_read_and_a_bomb_is_not() {
        let small = gz(std::iter::once(b"id,title\n".to_vec()));
        let (stem, count) = content("a/products.csv.gz", &small).expect("it is as its name says");
        assert_eq!((stem.to_str(), count), (Some("a/products.csv"), 9));
        // A zstd frame of nine bytes as they are (RFC 8878): magic, one segment of 9 bytes, a last raw block.
        let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 9, 0x49, 0, 0][..], b"id,title\n"].concat();
        assert_eq!(content("products.csv.zst", &frame).expect("it is a frame").1, 9);
        assert_eq!(content("products.csv", b"id,title\n").expect("it is not packed").1, 9);
        let bomb = gz((0..120).map(|_| vec![0; 1 << 20]));
        let refused = content("bomb.jsonl.gz", &bomb).expect_err("120 MiB from an eighth of one");
        assert!(refused.to_string().starts_with("it unpacks to more than"), "{refused}");
        assert!(content("text.csv.gz", b"id,title\n").is_err());
        assert!(content("text.csv.zst", b"id,title\n").is_err());
    }
}
