# Digests of 20 MB.
set -e
for digest in md5 sha1 sha256 sha512 sha3-256 blake2b512 blake2s256 ripemd160 sm3; do
    openssl dgst -$digest random
done
openssl dgst -sha256 -hmac secret random
