/**
 * Shell script that is the first process of a container: `sh -c SCRIPT <folder> <working folder> <program> ...`.
 * Mounts the prepared root file system, changes into it, forgets the node's files, says `started` on descriptor 3 and
 * becomes the program. Whatever fails before that is told on stderr, with exit code 128 and nothing on descriptor 3.
 *
 * `mount -a` carries all mounts out in one process. An overlay that the kernel refuses (user namespaces on some
 * machines) becomes a read-only view of the folder. Where a file system is mounted
 * below it (Docker's, under /var/lib), whose mount a user namespace may neither hide nor cover by an overlay, its
 * parents become folders of the container with read-only views of what is in them: volumes find their places there.
 */
export const enterScript = `
fail() { echo "$*" >&2; exit 128; }
mm_folder=$0; mm_dir=$1; shift
mm_given=$PATH; PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mm_show() {
  mount --rbind "$1" "$mm_folder/root$1" || fail "mount $1: $mm_said"
  mount -o remount,bind,ro "$mm_folder/root$1" 2>/dev/null
}
mm_mirror() {
  for mm_entry in "$1"/* "$1"/.[!.]*; do
    if [ -L "$mm_entry" ]; then cp -P "$mm_entry" "$mm_folder/root$mm_entry"
    elif [ -d "$mm_entry" ]; then
      mkdir -p "$mm_folder/root$mm_entry"
      if grep -q " $mm_entry/" /proc/self/mountinfo; then (mm_mirror "$mm_entry") || exit
      else mm_show "$mm_entry"; fi
    elif [ -e "$mm_entry" ]; then : > "$mm_folder/root$mm_entry"; mm_show "$mm_entry"; fi
  done
}
if ! mm_said=$(mount -a -T "$mm_folder/fstab" 2>&1); then
  while read -r mm_name || [ -n "$mm_name" ]; do
    grep -q " $mm_folder/root/$mm_name " /proc/self/mountinfo && continue
    if grep -q " /$mm_name/" /proc/self/mountinfo; then mm_mirror "/$mm_name"
    else mm_show "/$mm_name"; fi
    if [ "$mm_name" = etc ]; then
      for mm_file in resolv.conf hosts hostname; do
        mount --bind "$mm_folder/upper/etc/$mm_file" "$mm_folder/root/etc/$mm_file" || fail "mount /etc/$mm_file: $mm_said"
      done
    fi
  done < "$mm_folder/overlaid"
  mount -a -T "$mm_folder/fstab" 2>/dev/null
  for mm_need in proc dev/pts; do
    grep -q " $mm_folder/root/$mm_need " /proc/self/mountinfo || fail "mount /$mm_need: $mm_said"
  done
  grep -q " $mm_folder/root/sys " /proc/self/mountinfo || mount --rbind /sys "$mm_folder/root/sys"
fi
cd "$mm_folder/root" && pivot_root . .node && cd / || fail "the root file system could not be changed"
for mm_name in "/.node$mm_folder"/volumes.??; do
  [ -e "$mm_name" ] || continue
  . "$mm_name.sh"
  mm_said=$(mount -a -T "$mm_name" 2>&1) || fail "failed to mount: $mm_said"
done
umount -l /.node && rmdir /.node
PATH=$mm_given
unset OLDPWD
cd "$mm_dir" 2>/dev/null || { mkdir -p "$mm_dir" && cd "$mm_dir"; } || fail "chdir to cwd (\\"$mm_dir\\") failed"
case $1 in
  */*) [ -e "$1" ] || fail "exec: \\"$1\\": stat $1: no such file or directory"
       [ -x "$1" ] || fail "exec: \\"$1\\": permission denied" ;;
  *) command -v -- "$1" >/dev/null || fail "exec: \\"$1\\": executable file not found in \\$PATH" ;;
esac
echo started >&3
exec 3>&-
exec "$@"
`
