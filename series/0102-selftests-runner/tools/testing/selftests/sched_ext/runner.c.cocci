// Output leaves line by line: into a file or a pipe, stdout would keep the lines of a test until
// the buffer is full, and a test that forks would print them again.
@@
expression mode;
@@
+ setvbuf(stdout, NULL, _IOLBF, 0);
  libbpf_set_strict_mode(mode);

// Scripts learn from the exit status that a test failed.
@@
expression fmt;
identifier failed;
@@
  printf(fmt, failed);
- return 0;
+ return failed != 0;
