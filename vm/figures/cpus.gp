# SPDX-License-Identifier: GPL-2.0-only
# Cost over the number of CPUs: a line for each data block, of line style style0, style1, ...
set terminal svg noenhanced size 1100,620 font 'sans-serif,13' background '#ffffff' name name
set title 'What one kick costs the CPU that makes it, by the number of CPUs (QEMU)'
set xlabel 'CPUs' offset 0,0.7
set ylabel 'instructions per kick (fewer is better)'
set logscale x 2
set xtics (4, 16, 64, 255)
set xrange [3:320]
set key outside bottom center horizontal maxcols 1
plot for [i = 0:panels - 1] data index i using 1:2 with linespoints \
	ls value(sprintf('style%d', i)) title columnheader(2)
