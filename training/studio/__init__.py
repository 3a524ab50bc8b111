"""The studio: a procedural generator of labelled product photographs (Blender's Cycles, headless).

``plan`` decides what is photographed, ``render`` photographs it, ``labels`` and ``planting`` write the
data set with its known defects. Only the modules that render import ``bpy``; planning is pure Python.
"""
