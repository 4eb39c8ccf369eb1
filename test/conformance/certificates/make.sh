#!/usr/bin/env bash
# Makes the certificates of the TLS scenarios, valid for a century: an authority, a server's and a client's that it has signed, and
# a stranger's that has signed itself. They guard nothing: their keys are public, and the authority's is thrown away. Needs
# openssl; run it only to replace them.
set -euo pipefail
cd "$(dirname "$0")"
key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
names="subjectAltName=DNS:localhost,IP:127.0.0.1"
openssl req -x509 "${key[@]}" -days 36500 -subj "/CN=authority" -keyout authority.key -out authority.pem
openssl req -x509 "${key[@]}" -days 36500 -subj "/CN=stranger" -addext "$names" -keyout stranger.key -out stranger.pem
for name in server ann; do
  openssl req "${key[@]}" -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
  openssl x509 -req -in "$name.csr" -CA authority.pem -CAkey authority.key -days 36500 -out "$name.pem" \
    -extfile <(printf 'basicConstraints=CA:FALSE\n%s' "$names")
  rm "$name.csr"
done
rm authority.key
