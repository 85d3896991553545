@@
@@
dispatch_core_pick(...)
{
...
verdict = dispatch_one(rq, prev);
+ if (verdict == SCX_DSP_PREV && scx_kick_core_dispatched(rq, prev))
+ 	verdict = SCX_DSP_LOCAL;
...
}
