# Encrypts and decrypts 20 MB; keys come from a password, without salt so that the result is always the same.
set -e
for cipher in aes-128-cbc aes-256-ctr chacha20 aria-128-cbc camellia-256-cbc sm4-ctr; do
    openssl enc -$cipher -nosalt -pbkdf2 -pass pass:ashlar < random > encrypted
    sha256sum < encrypted
    openssl enc -$cipher -nosalt -pbkdf2 -pass pass:ashlar -d < encrypted | cmp - random
    echo "$cipher: round trip"
done
rm encrypted
