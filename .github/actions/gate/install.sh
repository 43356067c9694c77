#!/usr/bin/env bash
# Gives the output `meshmark`: the words that start it. Without VERSION that is the source beside this action, built once.
set -euo pipefail
if [ -n "${VERSION:-}" ]; then
  npm install --global "meshmark@$VERSION"
  echo 'meshmark=meshmark' >>"$GITHUB_OUTPUT"
  exit
fi
root=$(cd "$(dirname "$0")/../../.." && pwd)
if [ ! -f "$root/dist/harness/cli/main.js" ]; then
  (cd "$root" && npm ci --no-audit --no-fund)
fi
echo "meshmark=node $root/dist/harness/cli/main.js" >>"$GITHUB_OUTPUT"
