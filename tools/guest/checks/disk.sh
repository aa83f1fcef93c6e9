# Files written to a disk, read back past the page cache, changed and removed. The host looks at the file system afterwards.
set -e
sums() {
    sync
    echo 3 > /proc/sys/vm/drop_caches
    (cd disk && find . -type f -exec sha256sum {} + | sort -k 2 | sha256sum)
}
cp -r /usr/lib/python3.*/ /usr/include disk/
cp data disk/
sums
find disk/include -name '*f*.h' -exec rm {} +
i=0
while [ $i -lt 200 ]; do
    dd if=random of=disk/data bs=4096 count=$((i % 7 + 1)) skip=$i seek=$((i * 7919 % 12000)) conv=notrunc 2> /dev/null
    i=$((i + 1))
done
sums
rm -r disk/include disk/python3.*
sums
