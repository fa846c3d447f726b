import { expect, test } from "vitest";
import { TERMS } from "./formula";

test("the terms' weights are those of the formula", () => {
  const weights = Object.fromEntries(TERMS.map(({ name, weight }) => [name, weight]));
  const { M = 0, T = 0, D = 0, K = 0, S = 0 } = weights;
  expect(M + T + D + K).toBeCloseTo(0.6);
  expect(S).toBe(0.4);
  // 0.6 P + 0.4 S of a signal that was derived
  const c = M * 0.7756318405897933 + T * 0.5913584499042623 + D * 0.7998072621691942;
  expect(c + K * -0.2820486873973204 + S * -0.15396061302344713).toBeCloseTo(0.3155940694519688);
});
