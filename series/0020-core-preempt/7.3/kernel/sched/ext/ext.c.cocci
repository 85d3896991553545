@@
@@
dispatch_core_pick(...)
{
...
+ scx_kick_core_dispatch(rq);
verdict = dispatch_one(rq, prev);
+ if (scx_kick_core_dispatched(rq, prev) && verdict == SCX_DSP_PREV)
+ 	verdict = SCX_DSP_LOCAL;
...
}
