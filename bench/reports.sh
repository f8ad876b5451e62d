#!/usr/bin/env bash
# Writes the committed reports and the pictures of docs/labels.md anew.
#
#   bench/reports.sh .         in the repository: reports/ and docs/figures/label-*.png
#   bench/reports.sh OUT       the same below OUT, as tests/it/sample_reports.rs does
#   bench/reports.sh OUT all   with the reports of all nets in fixtures/, each with its page
#
# Two committed reports lack report.html: it holds every picture a second time, and together they
# are to stay below 4 MB. RANDOMLIKE names the program; without it, it is built.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
all=${2:-}
cd "$(dirname "$0")/.."
program=${RANDOMLIKE:-}
if [ -z "$program" ]; then
  cargo build --release --locked
  program=${CARGO_TARGET_DIR:-target}/release/randomlike
fi

mkdir -p "$out/reports" "$out/docs/figures"
inspect() {
  "$program" inspect "fixtures/$1.safetensors" --out "$out/reports/$1" >"$scratch/table"
}
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

inspect guesslang_vscode
inspect fashion_plain
"$program" compare fixtures/fashion_plain.safetensors fixtures/fashion_shadow.safetensors \
  --out "$out/reports/compare_fashion" >"$scratch/table"
if [ "$all" = all ]; then
  for net in fashion_shadow fc3u_256x128x256 neuralfoil_medium pybullet_enjoy_Humanoid; do
    inspect "$net"
  done
else
  rm "$out/reports/fashion_plain/report.html" "$out/reports/compare_fashion/report.html"
fi

# A synthetic net for each label, and the picture that shows it; the file is named by the label found.
while read -r kind picture; do
  "$program" synth "$kind" "$scratch/$kind.safetensors" >"$scratch/table"
  "$program" inspect "$scratch/$kind.safetensors" --out "$scratch/$kind" >"$scratch/table"
  label=$(sed -n 's/^ *"label": "\([a-z-]*\)".*/\1/p' "$scratch/$kind/audit.json")
  cp "$scratch/$kind/figures/01-"*"-$picture.png" "$out/docs/figures/label-$label.png"
done <<'KINDS'
duplicated-rows spectrum
kaiming weights
barely-moved weights
gaussian spectrum
scales weights
laplace weights
spikes spectrum
many-directions spectrum
sorted spectrum
sorted-uniform spectrum
correlated-laplace weights
KINDS
