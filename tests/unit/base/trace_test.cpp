#include "base/trace.hpp"

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/machine.hpp"

namespace dfa {
namespace {

TEST(Trace, NothingWithoutASpecification) {
  EXPECT_EQ(make_stderr_trace("").value(), nullptr);
}

TEST(Trace, UnknownClassIsAUsageError) {
  const auto trace = make_stderr_trace("profil");
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().code, ErrorCode::usage);
  EXPECT_NE(trace.error().message.find("\"profil\""), std::string::npos);
}

TEST(Trace, WritesWantedClassesThatPassTheFilter) {
  testing::internal::CaptureStderr();
  {
    const auto trace = make_stderr_trace("dispatch:filter=attn").value();
    EXPECT_TRUE(trace->wants(TraceClass::dispatch));
    EXPECT_FALSE(trace->wants(TraceClass::profile));
    trace->write(TraceClass::dispatch, "attn,1x2");
    trace->write(TraceClass::dispatch, "linear,1x2");
    trace->write(TraceClass::profile, "attn,0");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "dfa,trace,template,dispatch,op,shape,dtype,isa,kernel,reason\ndfa,trace,dispatch,attn,1x2\n");
}

TEST(Trace, SpanWritesItsStageAndItem) {
  testing::internal::CaptureStderr();
  {
    const auto trace = make_stderr_trace("profile").value();
    { const TraceSpan span(trace.get(), "decode", "clip.mp4#3"); }
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("dfa,trace,profile,decode,clip.mp4#3,"), std::string::npos);
}

TEST(Log, NullLogTakesEverything) {
  log_to(null_log(), LogLevel::error, "nobody hears {}", 1);
}

TEST(Machine, FactsAreFilled) {
  const MachineFacts facts = machine_facts();
  EXPECT_FALSE(facts.cpu_model.empty());
  EXPECT_GE(facts.processors, 1);
  EXPECT_GT(facts.memory_mib, 0);
  EXPECT_GT(peak_memory_mib(), 0);
}

}  // namespace
}  // namespace dfa
