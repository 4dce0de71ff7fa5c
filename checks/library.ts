/** Libraries that are loaded when a check needs them first: CommonJS, whose exports have two shapes. */

/** The exports: from source they also have names of their own, in the bundle all are the default one. */
export function exportsOf<Exports extends object>(module: Exports): Exports {
  return "default" in module ? module.default as Exports : module;
}
