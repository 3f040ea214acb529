"""The hunt report: what was found, how sure it is, what was looked at and what was not, in the form of the hunt-report
document; built once (:mod:`build`) as one model (:mod:`model`) that every output format renders and none adds to.
"""
