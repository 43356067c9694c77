#!/usr/bin/env bash
# Keeps the pull request's comment up to date. A comment that cannot be written fails nothing: pull requests from forks
# have a token that may only read, and the job's summary holds the same.
set -uo pipefail
read -r -a meshmark <<<"${MESHMARK:-meshmark}"
if ! said=$("${meshmark[@]}" comment "$RESULT" --pull-request "$NUMBER" --key "$KEY" --author "$AUTHOR" 2>&1); then
  said=${said//'%'/'%25'}
  said=${said//$'\r'/'%0D'}
  echo "::warning title=meshmark could not comment::${said//$'\n'/'%0A'}"
  exit 0
fi
echo "$said"
