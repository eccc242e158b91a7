#!/usr/bin/env bash
# Install onceproof with what reports need. ONCEPROOF_VERSION is what pip takes: a requirement, a path or an address.
set -eu
wanted=${ONCEPROOF_VERSION:-onceproof}
case "$wanted" in
    onceproof) wanted='onceproof[report]' ;;
    onceproof==*) wanted="onceproof[report]${wanted#onceproof}" ;;
esac
python -m pip install --quiet --disable-pip-version-check "$wanted"
python -m onceproof --version
