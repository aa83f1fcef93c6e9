# Runs to its end; what it measures is not compared.
for algorithm in sha256 aes-128-cbc "-evp chacha20-poly1305" rsa2048 ecdsap256 ecdhx25519; do
    openssl speed -seconds 1 -bytes 8192 $algorithm > speed 2>&1 || { tail -3 speed; exit 1; }
    echo "$algorithm: done"
done
rm speed
