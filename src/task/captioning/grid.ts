import type { Model } from "../../models/index.js";

/** Rows and columns that the causal effect is measured on, for models that have no grid of their own. */
const EFFECT_GRID = [8, 8] as const;

/** Rows and columns of the places of an image that maps show. */
export const gridOf = ({ grids }: Pick<Model, "grids">): readonly [rows: number, columns: number] =>
  grids?.source ?? EFFECT_GRID;
