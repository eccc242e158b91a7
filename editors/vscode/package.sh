#!/usr/bin/env bash
# Tests the grammar and packages the extension: editors/vscode/package.sh [FILE.vsix]. Needs node 20 and npm.
set -euo pipefail
cd "$(dirname "$0")"
target=${1:-"$PWD/build/onceproof.vsix"}
mkdir -p "$(dirname "$target")"
npm install --no-audit --no-fund --no-package-lock --silent
npm run --silent test
npm run --silent bundle
cp ../../LICENSE LICENSE.txt
trap 'rm -f LICENSE.txt' EXIT
npm run --silent package -- --out "$target"
