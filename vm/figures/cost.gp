# SPDX-License-Identifier: GPL-2.0-only
# What a kick costs, a panel for each way to make it, titled title0, title1, ...
set terminal svg noenhanced size 1100,470 * panels font 'sans-serif,13' background '#ffffff' name name
set ylabel 'instructions per kick'
set xlabel "Fewer is better. IDLE is SCX_KICK_IDLE and so on, plain is no flag. QEMU, 4 CPUs.\n\
Where a bar of stock is missing, the kick would hang it."
set xtics rotate by 25 right scale 0
set lmargin 28
set rmargin 4
set bmargin 12
set multiplot layout panels,1 title 'What a kick costs the CPU that makes it'
do for [i = 0:panels - 1] {
	set title value(sprintf('title%d', i))
	plot data index i using 2:xtic(1) title columnheader(2) ls 1, \
		'' index i using 3 title columnheader(3) ls 2
}
unset multiplot
