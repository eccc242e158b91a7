#!/usr/bin/env bash
# Check designs in a pipeline: annotations on standard output, SARIF, JUnit, Markdown and the review report in one folder, the table in the
# job's summary. Never fails by itself: the exit code of `onceproof check` goes to $GITHUB_OUTPUT, and a last step of the job
# exits with it, so that reports are kept for red runs, too.
#
#   CHECK_PATHS     designs or folders, separated by blanks (default: .)
#   CHECK_OPTIONS   more options, separated by blanks
#   CHECK_SUMMARY   "true": the table goes into $GITHUB_STEP_SUMMARY
#   RUNNER_TEMP     where the folder `onceproof` is made (default: .)
set -u
folder=${RUNNER_TEMP:-.}/onceproof
mkdir -p "$folder"
read -r -a paths <<<"${CHECK_PATHS:-.}"
read -r -a options <<<"${CHECK_OPTIONS:-}"

python -m onceproof check "${paths[@]}" ${options[@]+"${options[@]}"} --format github \
    --report "sarif=$folder/onceproof.sarif" --report "junit=$folder/onceproof.xml" \
    --report "markdown=$folder/onceproof.md" --report "json=$folder/onceproof.json"
code=$?

python -m onceproof report "${paths[@]}" --output "$folder/review.html" --exit-zero || echo "no review report was written" >&2
if [ "${CHECK_SUMMARY:-true}" = true ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$folder/onceproof.md" ]; then
    cat "$folder/onceproof.md" >>"$GITHUB_STEP_SUMMARY"
fi
echo "exit-code=$code" >>"${GITHUB_OUTPUT:-/dev/stdout}"
