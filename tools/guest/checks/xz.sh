# 50 MB there and back; level 1 keeps it short.
set -e
xz -1 -T1 < data > packed
sha256sum < packed
xz -dc packed | cmp - data
echo "xz: round trip"
rm packed
