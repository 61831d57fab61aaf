# Makes a C string literal of a text, line by line.
s/\\/\\\\/g
s/"/\\"/g
s/.*/"&\\n"/
