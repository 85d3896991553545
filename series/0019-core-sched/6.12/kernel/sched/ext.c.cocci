// What the warning depends on differs between versions of 6.12
@@
expression asked;
@@
  if (sched_class_above(&ext_sched_class, next->sched_class)) {
- 	WARN_ON_ONCE(asked);
+ 	WARN_ON_ONCE(forgets_last_task(rq));
  	...
  } else {
  	...
  }
