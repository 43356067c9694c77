#!/usr/bin/env bash
# Runs meshmark, then tells what came out: annotations, the job's summary, outputs. Ends with 0 whatever that is; the
# action's last step ends with the exit code, so that comment and artefacts are there first.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
read -r -a meshmark <<<"${MESHMARK:-meshmark}"
read -r -a more <<<"${ARGS:-}"
folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/meshmark.XXXXXX")
# why: artefacts may not have / : and the like in their names
name=${ARTIFACT:-"meshmark-$COMMAND-$TARGET-$PROVIDER"}
name=$(tr -cs 'A-Za-z0-9._\n-' '-' <<<"$name")

args=("$COMMAND" --provider "$PROVIDER" --target "$TARGET" --out "$folder" --yes)
if [ -n "${TARGET_IMAGE:-}" ]; then args+=(--target-image "$TARGET_IMAGE"); fi
if [ -n "${BASELINE:-}" ]; then args+=(--vs "$BASELINE" --gate --profile "$PROFILE"); fi
if [ "${STRICT:-false}" = true ]; then args+=(--strict); fi

# why: what a target answers is printed, and must not be taken for a command of the workflow
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$token"
"${meshmark[@]}" "${args[@]}" "${more[@]}"
code=$?
printf '\n::%s::\n' "$token"

{
  echo "exit-code=$code"
  echo "name=$name"
  echo "folder=$folder"
} >>"$GITHUB_OUTPUT"

if [ -f "$folder/result.json" ]; then
  "${meshmark[@]}" report "$folder" --format markdown >>"$GITHUB_STEP_SUMMARY"
  "${meshmark[@]}" report "$folder" --format github
  node "$here/outputs.js" "$folder" >>"$GITHUB_OUTPUT"
else
  echo "::error title=meshmark wrote no result::meshmark $COMMAND ended with exit code $code; the log of this step says why"
  echo "meshmark $COMMAND wrote no result (exit code $code)." >>"$GITHUB_STEP_SUMMARY"
fi
exit 0
