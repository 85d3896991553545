# SPDX-License-Identifier: GPL-2.0-only
# How long something takes, as histograms, each titled title0, title1, ...
set terminal svg noenhanced size 1100,420 * panels font 'sans-serif,13' background '#ffffff' name name
set ylabel 'share of the samples, %'
set xlabel 'time: a pair of bars stands for this much to twice as much'
set xtics rotate by 25 right scale 0
set multiplot layout panels,1
do for [i = 0:panels - 1] {
	set title value(sprintf('title%d', i))
	plot data index i using 2:xtic(1) title columnheader(2) ls 1, \
		'' index i using 3 title columnheader(3) ls 2
}
unset multiplot
