//! Pixels to PNG.

use std::collections::BTreeMap;

/// Averages blocks of `factor`×`factor` RGB pixels into one. Colours are rounded to six
/// bits a channel, finer than an eye tells apart in a plot, so that most pictures fit a
/// palette.
pub(super) fn averaged(pixels: &[u8], width: u32, height: u32, factor: u32) -> Vec<[u8; 3]> {
    let (width, height, factor) = (width as usize, height as usize, factor as usize);
    let stride = width * factor * 3;
    let count = u32::try_from(factor * factor).unwrap_or(u32::MAX);
    let mut averages = Vec::with_capacity(width * height);
    let mut sums = vec![[0_u32; 3]; width];
    for block in pixels.chunks_exact(stride * factor).take(height) {
        sums.fill([0; 3]);
        for row in block.chunks_exact(stride) {
            for (sum, part) in sums.iter_mut().zip(row.chunks_exact(3 * factor)) {
                for pixel in part.as_chunks::<3>().0 {
                    for (sum, &value) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(value);
                    }
                }
            }
        }
        averages.extend(sums.iter().map(|sum| sum.map(|sum| rounded(sum / count))));
    }
    averages
}

fn rounded(value: u32) -> u8 {
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
    encoder.set_compression(png::Compression::Default);
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
    // Neighbours mostly have one colour.
    for same in pixels.chunk_by(|a, b| a == b) {
        let next = order.len();
        let index = *order.entry(same[0]).or_insert_with(|| {
            palette.extend_from_slice(&same[0]);
            next
        });
        let index = u8::try_from(index).ok()?;
        indices.resize(indices.len() + same.len(), index);
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
