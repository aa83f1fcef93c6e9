# Keys are drawn at random, so only what must hold for all of them is told.
set -e
for algorithm in "RSA -pkeyopt rsa_keygen_bits:2048" "EC -pkeyopt ec_paramgen_curve:P-256" "EC -pkeyopt ec_paramgen_curve:P-521" \
                 ED25519 ED448; do
    openssl genpkey -quiet -algorithm $algorithm -out key.pem
    openssl pkey -in key.pem -pubout -out public.pem
    head -c 1000 random > message
    openssl pkeyutl -sign -rawin -inkey key.pem -in message -out signature
    echo "$algorithm: $(openssl pkeyutl -verify -rawin -pubin -inkey public.pem -in message -sigfile signature)"
    head -c 1001 random > message
    openssl pkeyutl -verify -rawin -pubin -inkey public.pem -in message -sigfile signature 2> /dev/null || true
done
rm key.pem public.pem message signature
