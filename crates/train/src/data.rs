//! Images and labels from a folder: MNIST-style idx files, plain or gzipped, and CIFAR binary
//! files. Magic numbers, sizes and counts are checked before anything is believed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::{Error, Result};
use randomlike_checkpoint::FileError;
use randomlike_checkpoint::regular_file;
use randomlike_report::figures::ImageShape;

/// Images of one shape, a label each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Pixels, image after image, each channel by channel and row by row.
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<u8>,
}

impl Images {
    /// Number of images.
    pub fn count(&self) -> usize {
        self.labels.len()
    }
}

/// A training set and a test set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// How the pixels of an image lie.
    pub shape: ImageShape,
    /// Number of classes.
    pub classes: usize,
    /// For training and validation.
    pub train: Images,
    /// For the last figure, and for nothing else.
    pub test: Images,
}

/// Most images of a set, and most pixels: all are held in memory.
const MOST_IMAGES: usize = 2_000_000;
const MOST_PIXELS: usize = 2_000_000_000;

/// Reads the data set in `folder`, whichever it is.
///
/// # Errors
/// When the folder holds none that is known, or a file of it is damaged.
pub fn read(folder: impl AsRef<Path>) -> Result<Dataset> {
    let folder = folder.as_ref();
    if let Some(idx) = idx_files(folder) {
        return read_idx(&idx);
    }
    for home in [
        folder.to_owned(),
        folder.join("cifar-10-batches-bin"),
        folder.join("cifar-100-binary"),
    ] {
        if home.join("data_batch_1.bin").is_file() {
            return read_cifar10(&home);
        }
        if home.join("train.bin").is_file() && home.join("test.bin").is_file() {
            return read_cifar100(&home);
        }
    }
    Err(fault(
        folder,
        "it holds no data set that is known: train-images-idx3-ubyte, train-labels-idx1-ubyte and \
         the two of t10k (plain or .gz), CIFAR-10's data_batch_1.bin to 5 and test_batch.bin, or \
         CIFAR-100's train.bin and test.bin",
    ))
}

fn fault(path: &Path, fault: impl Into<String>) -> Error {
    Error::Data {
        path: path.to_owned(),
        fault: fault.into(),
    }
}

/// Images and labels for training and test.
struct IdxFiles {
    train: [PathBuf; 2],
    test: [PathBuf; 2],
}

/// The four files, whichever way their names are written; nothing where one is missing.
fn idx_files(folder: &Path) -> Option<IdxFiles> {
    let find = |stem: &str, kind: &str| {
        let names = ["-", "."].map(|dash| format!("{stem}{dash}{kind}-ubyte"));
        let mut paths = names
            .iter()
            .flat_map(|name| [folder.join(name), folder.join(format!("{name}.gz"))]);
        paths.find(|path| path.is_file())
    };
    let pair = |stem: &str| {
        Some([
            find(&format!("{stem}-images"), "idx3")?,
            find(&format!("{stem}-labels"), "idx1")?,
        ])
    };
    Some(IdxFiles {
        train: pair("train")?,
        test: pair("t10k").or_else(|| pair("test"))?,
    })
}

fn read_idx(files: &IdxFiles) -> Result<Dataset> {
    let (shape, train) = read_pair(&files.train)?;
    let (other, test) = read_pair(&files.test)?;
    if shape != other {
        let text = format!(
            "its images are {}x{}, those for training {}x{}",
            other.height, other.width, shape.height, shape.width
        );
        return Err(fault(&files.test[0], text));
    }
    let highest = train.labels.iter().chain(&test.labels).max();
    Ok(Dataset {
        shape,
        classes: highest.map_or(0, |&label| usize::from(label) + 1),
        train,
        test,
    })
}

/// LeCun's idx format: 0, 0, the type (8: unsigned bytes), the number of sides; the sides as
/// big-endian u32; the entries.
fn read_pair([images, labels]: &[PathBuf; 2]) -> Result<(ImageShape, Images)> {
    let mut file = Idx::open(images, 3)?;
    let sides = &file.sides;
    let (count, height, width) = (sides[0], sides[1], sides[2]);
    let size = height.checked_mul(width).filter(|&size| size > 0);
    let total = size.and_then(|size| size.checked_mul(count));
    let total = total.filter(|&total| total <= MOST_PIXELS && count <= MOST_IMAGES);
    let total = total.ok_or_else(|| {
        fault(
            images,
            format!("{count} images of {height}x{width} are none, or too many"),
        )
    })?;
    let pixels = file.entries(images, total)?;
    let mut file = Idx::open(labels, 1)?;
    if file.sides[0] != count {
        let text = format!("{} labels for {count} images", file.sides[0]);
        return Err(fault(labels, text));
    }
    let labels = file.entries(labels, count)?;
    let shape = ImageShape {
        channels: 1,
        height,
        width,
    };
    Ok((shape, Images { pixels, labels }))
}

/// An idx file whose header was read.
struct Idx {
    sides: Vec<usize>,
    rest: Box<dyn Read>,
}

impl Idx {
    fn open(path: &Path, dimensions: usize) -> Result<Self> {
        regular_file::length(path)?;
        let file = File::open(path).map_err(|source| FileError::Io {
            action: "open",
            path: path.to_owned(),
            source,
        })?;
        let zipped = path.extension().is_some_and(|end| end == "gz");
        let mut rest: Box<dyn Read> = if zipped {
            Box::new(MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        let mut magic = [0; 4];
        fill(&mut rest, path, &mut magic)?;
        let wanted = u8::try_from(dimensions).unwrap_or(u8::MAX);
        if magic != [0, 0, 8, wanted] {
            let text =
                format!("it begins with {magic:?}, an idx file of these with [0, 0, 8, {wanted}]");
            return Err(fault(path, text));
        }
        let mut sides = Vec::with_capacity(dimensions);
        for _ in 0..dimensions {
            let mut side = [0; 4];
            fill(&mut rest, path, &mut side)?;
            sides.push(u32::from_be_bytes(side) as usize);
        }
        Ok(Self { sides, rest })
    }

    /// `count` entries, after which the file must end.
    fn entries(&mut self, path: &Path, count: usize) -> Result<Vec<u8>> {
        // One more than announced, to see whether the file ends; memory grows with the file,
        // not with what its header claims.
        let mut entries = Vec::new();
        let read = (&mut self.rest)
            .take(count as u64 + 1)
            .read_to_end(&mut entries);
        read.map_err(|source| damaged(path, &source))?;
        if entries.len() == count {
            return Ok(entries);
        }
        let found = if entries.len() < count {
            format!("only {} are there", entries.len())
        } else {
            "more are there".to_owned()
        };
        Err(fault(
            path,
            format!("its header announces {count} bytes and {found}"),
        ))
    }
}

fn fill(from: &mut dyn Read, path: &Path, bytes: &mut [u8]) -> Result<()> {
    from.read_exact(bytes)
        .map_err(|source| damaged(path, &source))
}

fn damaged(path: &Path, source: &std::io::Error) -> Error {
    fault(path, format!("it cannot be read to its end: {source}"))
}

/// 32×32 in three colours.
const CIFAR: ImageShape = ImageShape {
    channels: 3,
    height: 32,
    width: 32,
};

fn read_cifar10(folder: &Path) -> Result<Dataset> {
    let mut train = Images {
        pixels: Vec::new(),
        labels: Vec::new(),
    };
    for batch in 1..=5 {
        let part = records(&folder.join(format!("data_batch_{batch}.bin")), 1, 10)?;
        train.pixels.extend(part.pixels);
        train.labels.extend(part.labels);
    }
    Ok(Dataset {
        shape: CIFAR,
        classes: 10,
        train,
        test: records(&folder.join("test_batch.bin"), 1, 10)?,
    })
}

fn read_cifar100(folder: &Path) -> Result<Dataset> {
    Ok(Dataset {
        shape: CIFAR,
        classes: 100,
        train: records(&folder.join("train.bin"), 2, 100)?,
        test: records(&folder.join("test.bin"), 2, 100)?,
    })
}

/// CIFAR's records: labels, the last of which is the class, then 3072 pixels.
fn records(path: &Path, labels: usize, classes: u8) -> Result<Images> {
    const PIXELS: usize = 3072;
    let length = regular_file::length(path)?;
    let record = labels + PIXELS;
    if length == 0 || length % record as u64 != 0 || length > MOST_PIXELS as u64 {
        let text = format!("its {length} bytes are no whole number of records of {record}");
        return Err(fault(path, text));
    }
    let bytes = std::fs::read(path).map_err(|source| FileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let mut images = Images {
        pixels: Vec::with_capacity(bytes.len()),
        labels: Vec::with_capacity(bytes.len() / record),
    };
    for record in bytes.chunks_exact(record) {
        let label = record[labels - 1];
        if label >= classes {
            let text = format!("a label of {label}, where there are {classes} classes");
            return Err(fault(path, text));
        }
        images.labels.push(label);
        images.pixels.extend_from_slice(&record[labels..]);
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::fs;
    use std::io::Write as _;

    fn idx(sides: &[u32], entries: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sides.len() as u8];
        for side in sides {
            bytes.extend(side.to_be_bytes());
        }
        bytes.extend(entries);
        bytes
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Three images of 2×2 for training, one for test.
    fn set(folder: &Path, gz: bool) {
        let end = if gz { ".gz" } else { "" };
        let pixels: Vec<u8> = (0..12).collect();
        for (name, bytes) in [
            ("train-images-idx3-ubyte", idx(&[3, 2, 2], &pixels)),
            ("train-labels-idx1-ubyte", idx(&[3], &[0, 1, 1])),
            ("t10k-images-idx3-ubyte", idx(&[1, 2, 2], &[9; 4])),
            ("t10k-labels-idx1-ubyte", idx(&[1], &[0])),
        ] {
            let bytes = if gz { zipped(&bytes) } else { bytes };
            fs::write(folder.join(format!("{name}{end}")), bytes).unwrap();
        }
    }

    #[test]
    fn idx_files_plain_and_zipped() {
        for gz in [false, true] {
            let home = tempfile::tempdir().unwrap();
            set(home.path(), gz);
            let found = read(home.path()).unwrap();
            assert_eq!((found.classes, found.train.count()), (2, 3));
            assert_eq!((found.shape.height, found.shape.width), (2, 2));
            assert_eq!(found.train.pixels, (0..12).collect::<Vec<u8>>());
            assert_eq!(found.train.labels, [0, 1, 1]);
            assert_eq!(found.test.pixels, [9; 4]);
        }
    }

    #[test]
    fn cifar_records() {
        let home = tempfile::tempdir().unwrap();
        let record = |labels: &[u8], pixel: u8| [labels, &[pixel; 3072]].concat();
        for batch in 1..=5 {
            let bytes = [record(&[batch], batch), record(&[9], 7)].concat();
            fs::write(home.path().join(format!("data_batch_{batch}.bin")), bytes).unwrap();
        }
        fs::write(home.path().join("test_batch.bin"), record(&[3], 1)).unwrap();
        let found = read(home.path()).unwrap();
        assert_eq!((found.classes, found.shape), (10, CIFAR));
        assert_eq!(found.train.labels, [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]);
        assert_eq!(found.train.pixels[2 * 3072..][..3072], [2; 3072]);
        assert_eq!(found.test.labels, [3]);
        let home = tempfile::tempdir().unwrap();
        let hundred = home.path().join("cifar-100-binary");
        fs::create_dir(&hundred).unwrap();
        fs::write(hundred.join("train.bin"), record(&[7, 42], 5)).unwrap();
        fs::write(hundred.join("test.bin"), record(&[7, 99], 6)).unwrap();
        let found = read(home.path()).unwrap();
        assert_eq!((found.classes, &found.train.labels[..]), (100, &[42][..]));
        fs::write(hundred.join("test.bin"), record(&[7, 100], 6)).unwrap();
        let said = read(home.path()).unwrap_err().to_string();
        assert!(said.contains("label of 100"), "{said}");
    }

    #[test]
    fn damaged_files_are_refused_by_name_and_fault() {
        let refused = |name: &str, bytes: &[u8], wanted: &str| {
            let home = tempfile::tempdir().unwrap();
            set(home.path(), false);
            fs::write(home.path().join(name), bytes).unwrap();
            let said = read(home.path()).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains(wanted), "{said}");
        };
        let images = "train-images-idx3-ubyte";
        refused(images, b"", "read to its end");
        refused(
            images,
            &idx(&[3, 2, 2], &[0; 11]),
            "announces 12 bytes and only 11",
        );
        refused(images, &idx(&[3, 2, 2], &[0; 13]), "more are there");
        refused(images, &idx(&[3, 2], &[0; 6]), "begins with");
        refused(images, &idx(&[u32::MAX; 3], &[]), "too many");
        refused(images, &idx(&[3, 0, 2], &[]), "none");
        refused(
            "train-labels-idx1-ubyte",
            &idx(&[2], &[0, 1]),
            "2 labels for 3",
        );
        refused("t10k-images-idx3-ubyte", &idx(&[1, 1, 4], &[0; 4]), "1x4");
        let home = tempfile::tempdir().unwrap();
        set(home.path(), true);
        let name = "train-images-idx3-ubyte.gz";
        let mut bytes = fs::read(home.path().join(name)).unwrap();
        bytes.truncate(bytes.len() - 9);
        fs::write(home.path().join(name), bytes).unwrap();
        let said = read(home.path()).unwrap_err().to_string();
        assert!(said.contains(name), "{said}");
        let said = read(Path::new("/nowhere")).unwrap_err().to_string();
        assert!(said.contains("no data set that is known"), "{said}");
    }
}
