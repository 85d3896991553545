# SPDX-License-Identifier: GPL-2.0-only
# What the drawings have in common. out is the directory, name the drawing's, panels how many data
# blocks name.dat has in it
data = out.'/'.name.'.dat'
set output out.'/'.name.'.svg'
set style line 1 lc rgb '#b0413e' lw 2 pt 7 ps 0.8
set style line 2 lc rgb '#2a6f97' lw 2 pt 5 ps 0.8
set style line 3 lc rgb '#b0413e' lw 2 dt 2 pt 6 ps 0.8
set style line 4 lc rgb '#2a6f97' lw 2 dt 2 pt 4 ps 0.8
set style line 6 lc rgb '#2a6f97' lw 2 dt 3 pt 8 ps 0.8
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9
set boxwidth 0.9
set grid ytics lc rgb '#dddddd' lt 1
set border 3
set tics nomirror
set key outside top center horizontal
set yrange [0:*]
