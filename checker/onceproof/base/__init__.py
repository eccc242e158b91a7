"""What the rest of the package needs and what knows nothing about designs.

``paths``: the designs behind the paths of a command, and the data that ships with the package.
``project``: the folder of the project that a design belongs to.
``untrusted``: reads files that a stranger may have put beside a design.
``store``: bytes kept between runs, in the user's cache folder.
``memo``: answers of engines, remembered within one run.
``questions``: what is asked now, for whoever watches.
``parallel``: one function over many tasks, in one process, in several or on a Dask cluster.
``memory``: how much memory this process holds.
``allowance``: what reading and lowering a design may spend.
``interrupts``: Ctrl-C, remembered, so that nothing after it counts as an answer.
``durations``: lengths of time as they are written, such as ``30s`` or ``24h``.
``version``: the version of the package.
"""
