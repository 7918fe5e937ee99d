"""The live page of the sites of one process: shown to who looks, and asked by who has the token.

It runs in a thread of its own. Between it and a site's loop there is one slot that the loop overwrites, and one short
list of what operators ask for; the loop never waits for either.
"""
