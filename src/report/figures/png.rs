//! Pixels to PNG.

use std::collections::BTreeMap;

/// Averages blocks of `factor`×`factor` RGB pixels into one. Colours are rounded to six
/// bits a channel, finer than an eye tells apart in a plot, so that most pictures fit a
/// palette.
pub(super) fn averaged(pixels: &[u8], width: u32, height: u32, factor: u32) -> Vec<[u8; 3]> {
    let (width, height, factor) = (width as usize, height as usize, factor as usize);
    let stride = width * factor * 3;
    let mean = |x: usize, y: usize, channel: usize| {
        let sum: usize = (0..factor * factor)
            .map(|i| {
                let (row, column) = (y * factor + i / factor, x * factor + i % factor);
                usize::from(pixels[row * stride + column * 3 + channel])
            })
            .sum();
        rounded(sum / (factor * factor))
    };
    (0..width * height)
        .map(|at| std::array::from_fn(|channel| mean(at % width, at / width, channel)))
        .collect()
}

fn rounded(value: usize) -> u8 {
    let six = (value * 63 + 127) / 255;
    u8::try_from((six * 255 + 31) / 63).unwrap_or(u8::MAX)
}

/// A palette of at most 256 colours when they suffice, else RGB.
pub(super) fn encode(
    pixels: &[[u8; 3]],
    width: u32,
    height: u32,
) -> std::result::Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    let data = if let Some((palette, indices)) = indexed(pixels) {
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(palette);
        encoder.set_filter(png::FilterType::NoFilter);
        indices
    } else {
        encoder.set_color(png::ColorType::Rgb);
        pixels.concat()
    };
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer.write_image_data(&data).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// Colours and, for each pixel, which one; nothing when there are more than 256.
fn indexed(pixels: &[[u8; 3]]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut order = BTreeMap::new();
    let mut palette = Vec::new();
    let mut indices = Vec::with_capacity(pixels.len());
    for pixel in pixels {
        let next = order.len();
        let index = *order.entry(*pixel).or_insert_with(|| {
            palette.extend_from_slice(pixel);
            next
        });
        indices.push(u8::try_from(index).ok()?);
    }
    Some((palette, indices))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_becomes_its_mean() {
        let pixels = [[0_u8; 3], [255; 3], [255; 3], [0; 3]].concat();
        // 127 is 31.4 of 63 steps; 31 of 63 is 125.5 of 255, rounded down.
        assert_eq!(averaged(&pixels, 1, 1, 2), [[125; 3]]);
        assert_eq!((rounded(0), rounded(255)), (0, 255));
    }

    #[test]
    fn few_colours_are_indexed_and_many_are_not() {
        let many: Vec<[u8; 3]> = (0..400_u32)
            .map(|i| [(i % 256) as u8, (i / 256) as u8, 0])
            .collect();
        assert!(indexed(&many).is_none());
        let (palette, indices) = indexed(&[[1, 2, 3], [9, 9, 9], [1, 2, 3]]).unwrap();
        assert_eq!((palette.len(), indices), (6, vec![0, 1, 0]));
        let bytes = encode(&many, 20, 20).unwrap();
        let mut reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
        let mut back = vec![0; reader.output_buffer_size()];
        reader.next_frame(&mut back).unwrap();
        assert_eq!(back, many.concat());
    }
}
