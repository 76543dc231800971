"""Making the mounts of the fence before bubblewrap starts, in a tenth of its time.

For each mount among its options bubblewrap 0.8 reads the list of all mounts, which takes half a millisecond. A session has
some fifty, and two more for each worktree of another session.
"""

from __future__ import annotations

MAKE_MOUNTS = """
def make_mounts(kernel, call):
    sizes = {"--bind": 3, "--ro-bind": 3, "--tmpfs": 2, "--dev": 2, "--proc": 2, "--cap-drop": 2, "--chdir": 2}
    left, mounts, at = [call[0], "--bind", "/", "/"], [], 1
    while call[at] != "--":
        option = call[at:at + sizes.get(call[at], 1)]
        at += len(option)
        kind, place = option[0], option[-1]
        # What is in the places that bubblewrap fills itself comes after it.
        if kind not in ("--bind", "--ro-bind", "--tmpfs") or place.startswith(("/dev/", "/proc/")):
            left += option
        elif place != "/":
            mounts.append(option)
    shown = {place: source for _, *source, place in mounts}
    def is_link(place):
        above = place
        while (above := os.path.dirname(above)) != "/" and above not in shown:
            pass
        source = shown.get(above, ["/"])
        return bool(source) and os.path.islink(os.path.join(source[0], os.path.relpath(place, above)))
    program = os.path.realpath(call[0])
    for place, source in shown.items():
        # bubblewrap follows links in its own way; and it has to be there still.
        if is_link(place) and source != [place] or program.startswith(place + "/"):
            return call
    # As they are: bubblewrap takes from them, and over a read-only `/proc` it may mount no other.
    mounts += [["--bind", place, place] for place in ("/dev", "/proc")]
    read_only, no_links = (ctypes.c_uint64 * 4)(1), (ctypes.c_uint64 * 3)(0x280000, 0, 4)
    trees = {}
    # Each source is open until it is in its place, and 1,024 is a usual limit.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    def failed(place):
        number = ctypes.get_errno()
        return OSError(number, os.strerror(number), place)
    # Each path is there and has no link in it, unless an agent of another session has just changed that: bubblewrap, which
    # would follow one, is not to try.
    def opened(path):
        found = kernel.syscall(437, -100, os.fsencode(path), no_links, 24)  # O_PATH | O_CLOEXEC, RESOLVE_NO_SYMLINKS
        if found < 0 and ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM, errno.EMFILE):
            raise failed(path)
        return found
    try:
        # All copies first: a mount may hide what a later one shows. OPEN_TREE_CLONE | AT_EMPTY_PATH | O_CLOEXEC | AT_RECURSIVE.
        for kind, *source, place in mounts:
            if source:
                found = opened(source[0])
                tree = trees[place] = kernel.syscall(428, found, b"", 0x89001)
                if found >= 0:
                    os.close(found)
                # AT_EMPTY_PATH | AT_RECURSIVE, MOUNT_ATTR_RDONLY
                if tree < 0 or kind == "--ro-bind" and kernel.syscall(442, tree, b"", 0x9000, read_only, 32):
                    return call
        if kernel.syscall(442, -100, b"/", 0x8000, read_only, 32):
            return call
        for _, *source, place in mounts:
            if not os.path.lexists(place):
                is_folder = not source or os.fstat(trees[place]).st_mode & 0o170000 == 0o40000
                os.makedirs(place if is_folder else os.path.dirname(place), exist_ok=True)
                if not is_folder:
                    open(place, "x").close()
            at_place = opened(place)
            if source:  # MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
                result = kernel.syscall(429, trees[place], b"", at_place, b"", 0x44)
            else:  # MS_NOSUID | MS_NODEV
                result = kernel.mount(b"tmpfs", os.fsencode(f"/proc/self/fd/{at_place}"), b"tmpfs", 6, b"mode=0755")
            if result:
                raise failed(place)
            os.close(at_place)
    except OSError as error:
        sys.exit(f"The fence cannot be made: {error.filename}: {error.strerror}")
    finally:
        for tree in trees.values():
            if tree >= 0:
                os.close(tree)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return left + call[at:]
"""
"""A function that makes the mounts among the options of bubblewrap, in a mount namespace of its own, and returns the call with
the rest of them; the whole call where that cannot be done. The process ends where a path leads through a link by
now. The calls came with Linux 5.12 and have the same numbers on every processor: 428 open_tree, 429 move_mount, 437 openat2,
442 mount_setattr."""
