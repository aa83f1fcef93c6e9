# 20 MB that look random and 30 MB of text, the same everywhere: what other checks work on.
set -e
key=000102030405060708090a0b0c0d0e0f
head -c 20000000 /dev/zero | openssl enc -aes-128-ctr -K $key -iv $key > random
seq 1 9999999 | sed 's/7/ seven /g; s/^1/one thousand /' | head -c 30000000 > text
cat random text > data
sha256sum random text data
