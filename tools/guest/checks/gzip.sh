# 50 MB there and back.
set -e
gzip -n -6 < data > packed
sha256sum < packed
gzip -dc packed | cmp - data
echo "gzip: round trip"
rm packed
