"""The web console: what the commands do, on a page of this machine, live. It binds to loopback only.

Data comes from modules that know no page (`listing`, `story`, `window`, `files`); `pages/` draw it with NiceGUI.
"""
