type NpmLock = {
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly optional?: boolean; readonly peer?: boolean }>
  >;
};

export const PURPOSES: readonly string[];
export function debianPackagesFor(purpose: 'run' | 'lab' | 'test', isThere: (program: string) => boolean): string[];
export function nodeProblem(version: string): string | undefined;
export function cargoProblem(said: string | undefined): string | undefined;
export function npmPackagesDiffer(lock: NpmLock, installed: NpmLock | undefined): boolean;
export function describeSources(folder: string): string;
